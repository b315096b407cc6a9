using System.Security.Cryptography;

namespace FlEvents.Contracts;

/// <summary>The end of a chain of hashes.</summary>
/// <param name="Sequence">Number of its last link, dense from 1; 0 for a chain without links.</param>
/// <param name="Hash">Hash of that link, 64 lower-case hexadecimal digits; 64 zeros for a chain without links.</param>
public readonly record struct ChainHead(long Sequence, string Hash);

/// <summary>A chain of hashes: each link's covers its own content and every link before it.</summary>
public static class HashChain
{
    /// <summary>A chain without links.</summary>
    public static ChainHead Empty { get; } = new(0, new string('0', 2 * SHA256.HashSizeInBytes));

    /// <summary>SHA-256 over the 32 bytes of the previous hash, then the <see cref="CanonicalText"/> of the link's content.</summary>
    /// <param name="previousHash">64 hexadecimal digits.</param>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    /// <exception cref="FormatException"><paramref name="previousHash"/> is not hexadecimal.</exception>
    public static string HashOf(string previousHash, params ReadOnlySpan<(string Name, string? Value)> content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Convert.FromHexString(previousHash));
        hash.AppendData(CanonicalText.Of(content));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Why a link does not continue the chain that ends at <paramref name="head"/>; null when it does.</summary>
    /// <param name="link">What the link says of itself.</param>
    /// <param name="previousHash">What it says of the one before.</param>
    /// <param name="hashOfContent">Computes its hash; called once its place is right.</param>
    public static string? FaultOf(ChainHead head, ChainHead link, string previousHash, Func<string> hashOfContent)
    {
        if (link.Sequence != head.Sequence + 1)
        {
            return $"sequence {link.Sequence} follows {head.Sequence}";
        }

        if (previousHash != head.Hash)
        {
            return $"previous hash {previousHash} is not {head.Hash}, the hash of the one before";
        }

        var hash = hashOfContent();
        return link.Hash == hash ? null : $"hash {link.Hash} is not {hash}, the hash of its content";
    }
}
