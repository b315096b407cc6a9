namespace FlEvents.Contracts;

/// <summary>A client's word for its update: what the signed statement says beside what the server knows itself, and the signature (docs/enrolment.md).</summary>
public record UpdateSignature
{
    /// <summary>DER SubjectPublicKeyInfo of an ECDSA P-256 key, base64.</summary>
    public required string PublicKey { get; init; }

    /// <summary>Training examples n_k, as in <see cref="UpdateSubmitted.ExampleCount"/>.</summary>
    public required int? ExampleCount { get; init; }

    /// <summary>128 random bits, 32 lower-case hexadecimal digits.</summary>
    public required string Nonce { get; init; }

    /// <summary>When it was signed, in milliseconds since 1970, UTC.</summary>
    public required long IssuedAt { get; init; }

    /// <summary>ECDSA P-256 over SHA-256 of <see cref="UpdateStatement.Text"/>, r‖s, 64 bytes in base64.</summary>
    public required string Value { get; init; }
}
