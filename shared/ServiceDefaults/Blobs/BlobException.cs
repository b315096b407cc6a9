using System.Security.Cryptography;
using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Blobs;

/// <summary>A blob is missing, too large, or not what its name says. The message names the blob and what was expected.</summary>
public sealed class BlobException(string message) : Exception(message)
{
    /// <returns><paramref name="bytes"/>, when their hash is the blob's name.</returns>
    public static byte[] Verified(BlobRef blob, byte[] bytes)
    {
        var actual = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return actual == blob.Sha256 ? bytes : throw new BlobException($"Blob {blob.Sha256} holds bytes whose SHA-256 is {actual}.");
    }
}
