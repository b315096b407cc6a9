using System.Globalization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>The chain of the log: each entry's hash covers its content and every entry before it.</summary>
public static class LedgerChain
{
    /// <summary>The head of a ledger without entries.</summary>
    public static LedgerReceipt Empty { get; } = new() { Sequence = HashChain.Empty.Sequence, Hash = HashChain.Empty.Hash };

    /// <summary>The entry that continues the chain at <paramref name="head"/>.</summary>
    public static LedgerEntry Append(LedgerReceipt head, EntryKind kind, Reservation reservation, string? reason, DateTimeOffset at)
    {
        return Chained(head, new LedgerEntry
        {
            Sequence = 0,
            Kind = kind,
            ReservationId = reservation.ReservationId,
            LedgerId = reservation.LedgerId,
            Unit = reservation.Unit,
            RunId = reservation.RunId,
            Round = reservation.Round,
            ClientId = reservation.ClientId,
            Attempt = reservation.Attempt,
            Event = reservation.Event,
            Charge = reservation.Charge,
            Alpha = reservation.Alpha,
            Measure = reservation.Measure,
            Accountant = reservation.CountedIn is null ? null : AccountantVersion.Current,
            Reason = reason,
            At = at.ToUniversalTime(),
            PreviousHash = "",
            Hash = "",
        });
    }

    /// <summary>The entry of a budget that continues the chain.</summary>
    public static LedgerEntry Append(LedgerReceipt head, AccountKey account, BudgetTerms budget, DateTimeOffset at) => Chained(head, new LedgerEntry
    {
        Sequence = 0,
        Kind = EntryKind.Budget,
        ReservationId = null,
        LedgerId = account.LedgerId,
        Unit = account.Unit,
        RunId = null,
        Round = null,
        ClientId = null,
        Attempt = null,
        Event = Reservation.Json(budget),
        Charge = null,
        Alpha = budget.Measure?.Order,
        Measure = budget.Measure?.Word,
        Accountant = null,
        Reason = null,
        At = at.ToUniversalTime(),
        PreviousHash = "",
        Hash = "",
    });

    /// <summary>An entry of the whole log that continues the chain.</summary>
    /// <param name="told">What befell the log, as JSON.</param>
    public static LedgerEntry Append(LedgerReceipt head, EntryKind kind, string told, string? reason, DateTimeOffset at) => Chained(head, new LedgerEntry
    {
        Sequence = 0,
        Kind = kind,
        ReservationId = null,
        LedgerId = null,
        Unit = null,
        RunId = null,
        Round = null,
        ClientId = null,
        Attempt = null,
        Event = told,
        Charge = null,
        Alpha = null,
        Measure = null,
        Accountant = null,
        Reason = reason,
        At = at.ToUniversalTime(),
        PreviousHash = "",
        Hash = "",
    });

    private static LedgerEntry Chained(LedgerReceipt head, LedgerEntry entry)
    {
        var next = entry with { Sequence = head.Sequence + 1, PreviousHash = head.Hash };
        return next with { Hash = HashOf(next) };
    }

    /// <summary>The <see cref="HashChain"/>'s hash over all of an entry but its hashes.</summary>
    public static string HashOf(LedgerEntry entry) => HashChain.HashOf(
        entry.PreviousHash,
        ("sequence", entry.Sequence.ToString(CultureInfo.InvariantCulture)),
        ("kind", Name(entry.Kind)),
        ("reservation_id", entry.ReservationId?.ToString("D")),
        ("ledger_id", entry.LedgerId?.ToString("D")),
        ("unit", entry.Unit is { } unit ? Name(unit) : null),
        ("run_id", entry.RunId?.ToString("D")),
        ("round", entry.Round?.ToString(CultureInfo.InvariantCulture)),
        ("client_id", entry.ClientId),
        ("attempt", entry.Attempt?.ToString(CultureInfo.InvariantCulture)),
        ("event", entry.Event),
        ("charge", entry.Charge),
        ("alpha", entry.Alpha?.ToString("R", CultureInfo.InvariantCulture)),
        ("measure", entry.Measure),
        ("accountant", entry.Accountant),
        ("reason", entry.Reason),
        ("at", Text(entry.At)));

    /// <summary>The one spelling of a time, in hashes and in the database: UTC with seven decimals.</summary>
    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>The word that stands for an enum's member in hashes and in the database: the one the wire uses.</summary>
    public static string Name<T>(T member)
        where T : struct, Enum => char.ToLowerInvariant(member.ToString()[0]) + member.ToString()[1..];
}
