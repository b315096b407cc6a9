namespace FlEvents.Contracts;

/// <summary>A statement with all that is needed to check it, for whoever does not know what it should say.</summary>
public record SignedStatement
{
    /// <summary>An <see cref="UpdateStatement"/> as text.</summary>
    public required string Statement { get; init; }

    /// <summary>DER SubjectPublicKeyInfo of an ECDSA P-256 key, base64.</summary>
    public required string PublicKey { get; init; }

    /// <summary>The signature, as in <see cref="UpdateSignature.Value"/>.</summary>
    public required string Value { get; init; }
}
