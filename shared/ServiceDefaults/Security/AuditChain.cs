using System.Globalization;
using System.Security.Cryptography;
using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>The chain of an audit log: each row's hash covers its content and every row before it.</summary>
public static class AuditChain
{
    /// <summary>The head of a log without rows.</summary>
    public static AuditHead Empty { get; } = new(0, new string('0', 2 * SHA256.HashSizeInBytes));

    /// <summary>A row with its place in the chain that ends at <paramref name="head"/>.</summary>
    public static AuditRow Append(AuditHead head, AuditRow row)
    {
        var placed = row with { Sequence = head.Sequence + 1, PreviousHash = head.Hash };
        return placed with { Hash = HashOf(placed) };
    }

    /// <summary>SHA-256 over the 32 bytes of the previous hash, then the <see cref="CanonicalText"/> of all other fields in the order of the record.</summary>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public static string HashOf(AuditRow row)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Convert.FromHexString(row.PreviousHash));
        hash.AppendData(CanonicalText.Of(
            ("sequence", row.Sequence.ToString(CultureInfo.InvariantCulture)),
            ("step", row.Step),
            ("at", row.At),
            ("answers", row.Answers?.ToString(CultureInfo.InvariantCulture)),
            ("who", row.Who),
            ("method", row.Method),
            ("route", row.Route),
            ("path", row.Path),
            ("scope", row.Scope),
            ("remote", row.Remote),
            ("bodySha256", row.BodySha256),
            ("status", row.Status?.ToString(CultureInfo.InvariantCulture))));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Why a row does not continue the chain; null when it does.</summary>
    public static string? FaultOf(AuditHead head, AuditRow row)
    {
        if (row.Sequence != head.Sequence + 1)
        {
            return $"sequence {row.Sequence} follows {head.Sequence}";
        }

        if (row.PreviousHash != head.Hash)
        {
            return $"previous hash {row.PreviousHash} is not {head.Hash}, the hash of the row before";
        }

        var hash = HashOf(row);
        return row.Hash == hash ? null : $"hash {row.Hash} is not {hash}, the hash of its content";
    }
}
