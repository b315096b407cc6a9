using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.PrivacyAccountant;

namespace FlEvents.Standalone.Privacy;

/// <summary>A ledger to be read from outside of its service: its file, or its HTTP interface.</summary>
public interface ILedgerSource : IDisposable
{
    /// <summary>Where it is, as it is shown.</summary>
    string Place { get; }

    /// <summary>Receipts that were given out: what the log must still hold.</summary>
    IReadOnlyList<LedgerReceipt> Receipts();

    /// <summary>The whole log in order of sequence, as of one moment.</summary>
    /// <exception cref="UnreadableEntryException">An entry is not even of the form of one.</exception>
    IEnumerable<LedgerEntry> Entries();

    /// <summary>The ledgers a client was ever charged in, in order of what they belong to.</summary>
    IReadOnlyList<(Guid LedgerId, LedgerIdentity Identity)> LedgersOf(string clientId);

    /// <summary>The accounts as the source keeps them beside the log, which admission adds to; none where they can't be read.</summary>
    IReadOnlyList<AccountTotals> Totals();
}

/// <summary>There is no ledger at a place. The message says where, and what was expected.</summary>
public sealed class NoLedgerException(string message) : Exception(message);

/// <summary>An entry's stored values are none that an entry can have.</summary>
public sealed class UnreadableEntryException(long sequence, string reason) : Exception(reason)
{
    public long Sequence => sequence;
}

/// <summary>Sums over an account's entries.</summary>
/// <param name="Unbounded">Reserved or committed charges that are unbounded.</param>
/// <param name="Spent">The others together, in units of 10⁻⁹ of <paramref name="Measure"/>.</param>
/// <param name="Measure">What every charge is counted in; null before that is fixed.</param>
/// <param name="Budget">Without an order, which the measure tells; null while there is none.</param>
public record AccountTotals(
    AccountKey Key, long Entries, long Reserved, long Committed, long Refunded, long Unbounded, long Spent, PrivacyMeasure? Measure, BudgetTerms? Budget);
