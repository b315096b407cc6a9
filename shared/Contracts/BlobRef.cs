namespace FlEvents.Contracts;

/// <summary>Names an immutable blob by its content: a model or an update as safetensors. Bytes never travel through the broker.</summary>
public record BlobRef
{
    /// <summary>SHA-256 of the bytes, 64 lower-case hexadecimal digits.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Length in bytes, at least 1.</summary>
    public required long SizeBytes { get; init; }
}
