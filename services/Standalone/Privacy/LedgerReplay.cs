using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.PrivacyAccountant;

namespace FlEvents.Standalone.Privacy;

/// <summary>What the log alone tells of one ledger in one unit.</summary>
/// <param name="Totals">Sums over the entries.</param>
/// <param name="Charges">Charges that were not given back, and how many of each, the most frequent first.</param>
/// <param name="Newest">The last entries, in order.</param>
public record ReplayedAccount(AccountTotals Totals, IReadOnlyList<(PrivacyCharge Charge, long Count)> Charges, IReadOnlyList<LedgerEntry> Newest);

/// <summary>Adds up accounts from the log.</summary>
public static class LedgerReplay
{
    /// <param name="entries">The log, or a beginning of it, in order.</param>
    /// <param name="newest">Entries to keep of each account.</param>
    public static IReadOnlyDictionary<AccountKey, ReplayedAccount> Of(IEnumerable<LedgerEntry> entries, int newest)
    {
        var accounts = new Dictionary<AccountKey, Account>();
        foreach (var entry in entries)
        {
            if (entry.Account is not { } key)
            {
                continue;
            }

            if (!accounts.TryGetValue(key, out var account))
            {
                accounts[key] = account = new Account(key);
            }

            account.Add(entry, newest);
        }

        return accounts.ToDictionary(account => account.Key, account => account.Value.Replayed());
    }

    private sealed class Account(AccountKey key)
    {
        private readonly Dictionary<string, long> _charges = [];
        private readonly Queue<LedgerEntry> _newest = new();
        private AccountTotals _totals = new(key, 0, 0, 0, 0, 0, 0, null, null);

        public void Add(LedgerEntry entry, int newest)
        {
            var before = _totals with { Entries = _totals.Entries + 1, Measure = _totals.Measure ?? entry.CountedIn };
            _totals = entry.Kind switch
            {
                EntryKind.Reserve => Charged(before with { Reserved = before.Reserved + 1 }, entry, 1),
                EntryKind.Commit => before with { Reserved = before.Reserved - 1, Committed = before.Committed + 1 },
                EntryKind.Refund => Charged(before with { Reserved = before.Reserved - 1, Refunded = before.Refunded + 1 }, entry, -1),
                _ => before with { Budget = JsonSerializer.Deserialize<BudgetTerms>(entry.Event, JsonSerializerOptions.Web)! with { Alpha = null } },
            };
            _newest.Enqueue(entry);
            if (_newest.Count > newest)
            {
                _newest.Dequeue();
            }
        }

        public ReplayedAccount Replayed() => new(
            _totals,
            [
                .. _charges.Where(charge => charge.Value > 0)
                    .OrderByDescending(charge => charge.Value)
                    .ThenBy(charge => charge.Key, StringComparer.Ordinal)
                    .Select(charge => (JsonSerializer.Deserialize<PrivacyCharge>(charge.Key, JsonSerializerOptions.Web)!, charge.Value)),
            ],
            [.. _newest]);

        private AccountTotals Charged(AccountTotals totals, LedgerEntry entry, int sign)
        {
            _charges[entry.Event] = _charges.GetValueOrDefault(entry.Event) + sign;
            return Pricing.UnitsOf(entry.Charge!) is { } units
                ? totals with { Spent = totals.Spent + (sign * units) }
                : totals with { Unbounded = totals.Unbounded + sign };
        }
    }
}
