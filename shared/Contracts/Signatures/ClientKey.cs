using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace FlEvents.Contracts;

/// <summary>Clients' keys: ECDSA P-256, public ones as base64 of their DER SubjectPublicKeyInfo.</summary>
public static class ClientKey
{
    private const int LongestKey = 200;
    private const string CurveP256 = "1.2.840.10045.3.1.7";

    /// <summary>The public key's name: SHA-256 of its DER bytes, 64 lower-case hexadecimal digits.</summary>
    /// <returns>Null when the text is no public key of ECDSA P-256.</returns>
    public static string? NameOf(string publicKey)
    {
        using var key = Read(publicKey);
        return key is null ? null : Convert.ToHexStringLower(SHA256.HashData(Convert.FromBase64String(publicKey)));
    }

    /// <summary>The public half of a key, as it is sent.</summary>
    public static string PublicOf(ECDsa key) => Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());

    /// <summary>Signs an ASCII text.</summary>
    /// <returns>r‖s, 64 bytes in base64.</returns>
    public static string Sign(ECDsa key, string text) => Convert.ToBase64String(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));

    /// <summary>Whether the signature of a text was made by the key of this name. Whatever is malformed was not.</summary>
    public static bool IsSigned(string text, string publicKey, string value, string keySha256)
    {
        using var key = NameOf(publicKey) == keySha256 ? Read(publicKey) : null;
        return key is not null && Decode(value) is { } signature
            && key.VerifyData(Encoding.UTF8.GetBytes(text), signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <summary>A public key to check with.</summary>
    /// <returns>Null when the text is no public key of ECDSA P-256 in its one spelling.</returns>
    public static ECDsa? Read(string publicKey)
    {
        if (Decode(publicKey) is not { } bytes)
        {
            return null;
        }

        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(bytes, out _);
            if (key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value == CurveP256 && PublicOf(key) == publicKey)
            {
                return key;
            }
        }
        catch (CryptographicException)
        {
            // No key.
        }

        key.Dispose();
        return null;
    }

    private static byte[]? Decode(string base64) =>
        base64 is { Length: > 0 and <= LongestKey } && Base64.IsValid(base64) ? Convert.FromBase64String(base64) : null;
}
