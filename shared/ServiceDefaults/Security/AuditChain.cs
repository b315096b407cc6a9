using System.Globalization;
using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>The chain of an audit log: each row's hash covers its content and every row before it.</summary>
public static class AuditChain
{
    /// <summary>A row with its place in the chain that ends at <paramref name="head"/>.</summary>
    public static AuditRow Append(ChainHead head, AuditRow row)
    {
        var placed = row with { Sequence = head.Sequence + 1, PreviousHash = head.Hash };
        return placed with { Hash = HashOf(placed) };
    }

    /// <summary>The <see cref="HashChain"/>'s hash over all other fields in the order of the record.</summary>
    public static string HashOf(AuditRow row) => HashChain.HashOf(
        row.PreviousHash,
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
        ("status", row.Status?.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Why a row does not continue the chain; null when it does.</summary>
    public static string? FaultOf(ChainHead head, AuditRow row) =>
        HashChain.FaultOf(head, new ChainHead(row.Sequence, row.Hash), row.PreviousHash, () => HashOf(row));
}
