using System.Diagnostics.Metrics;
using System.Globalization;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Metrics;
using Microsoft.Extensions.Options;

namespace FlEvents.PrivacyAccountant;

/// <summary>
/// What the ledger says of each client's budgets, from the numbers that admit tasks: they depend on plans, never on data. Above
/// <see cref="PrivacyAccountantOptions.MetricAccounts"/> accounts only those nearest to the end have series of their own.
/// </summary>
public sealed class LedgerMetrics : IDisposable
{
    /// <summary>Accounts with series of their own where there are too many for all to have them.</summary>
    private const int Nearest = 10;

    /// <summary>Shares of a budget for which it is told how many accounts have at most so much left.</summary>
    private static readonly double[] Shares = [0, 0.05, 0.1, 0.25, 0.5, 0.75, 1];

    private static readonly PrivacyUnit[] Units = Enum.GetValues<PrivacyUnit>();
    private readonly Meter _meter = new("FlEvents.PrivacyAccountant.Budgets");
    private readonly Reading<Accounts> _accounts;

    public LedgerMetrics(LedgerStore ledger, IOptions<PrivacyAccountantOptions> options, TimeProvider time)
    {
        _accounts = new Reading<Accounts>(
            ledger.Database,
            transaction => Choose(AccountGaugeStore.Read(transaction), options.Value.MetricAccounts) with
            {
                Reserved = AccountGaugeStore.CountReserved(transaction),
                Held = AccountGaugeStore.CountHeld(transaction),
            },
            time);
        Account("fl_privacy_epsilon_spent", "{epsilon}", "Epsilon of everything charged, at the delta of the budget, as the budget's filter counts it", account => account.Spent);
        Account("fl_privacy_epsilon_budget", "{epsilon}", "Epsilon that may be spent in all", account => account.Budget?.Epsilon);
        Account("fl_privacy_budget_left_ratio", "{share}", "Share of the budget that is left, from 0 to 1: what decides whether a task is admitted", account => account.Budget?.Left);
        Account("fl_privacy_rounds_left", "{round}", "Rounds that the budget still allows at the mean charge so far", account => account.RoundsLeft);
        Gauge("fl_privacy_accounts", "{account}", "Clients' ledgers by privacy unit and by whether a budget is set: yes, no.", now =>
            from unit in Units
            from hasBudget in new[] { true, false }
            select Of(now.All.Count(account => account.Unit == unit && account.Budget is not null == hasBudget), ("unit", LedgerChain.Name(unit)), ("budget", hasBudget ? "yes" : "no")));
        Gauge("fl_privacy_accounts_unbounded", "{account}", "Clients' ledgers with a charge that no budget bounds, by privacy unit.", now =>
            Units.Select(unit => Of(now.All.Count(account => account.Unit == unit && account.IsUnbounded), ("unit", LedgerChain.Name(unit)))));
        Gauge("fl_privacy_accounts_left", "{account}", "Clients' ledgers that have at most a share of their budget left, by privacy unit and by that share.", now =>
            from unit in Units
            from share in Shares
            select Of(
                now.All.Count(account => account.Unit == unit && account.Budget?.Left <= share),
                ("unit", LedgerChain.Name(unit)),
                ("at_most", share.ToString(CultureInfo.InvariantCulture))));
        Gauge("fl_ledger_charges_reserved", "{charge}", "Charges that are reserved and not final yet.", now => [Of(now.Reserved)]);
        Gauge("fl_ledger_messages_held", "{message}", "Messages that wait for the end of the ledger's quarantine.", now => [Of(now.Held)]);
    }

    public void Dispose() => _meter.Dispose();

    private static Accounts Choose(IReadOnlyList<AccountGauges> all, int most) => new(all, all.Count <= most ? all :
    [
        .. all.OrderBy(account => account.Budget?.Left ?? double.MaxValue)
            .ThenBy(account => account.RoundsLeft ?? long.MaxValue)
            .Take(Math.Min(Nearest, most)),
    ]);

    private void Account(string name, string unit, string what, Func<AccountGauges, double?> value) => Gauge(
        name,
        unit,
        $"{what}, by client, data set, ledger and privacy unit.",
        now => now.Shown.Where(account => value(account) is not null).Select(account => Of(
            value(account)!.Value,
            ("client", account.ClientId),
            ("data_set", account.DataSet),
            ("ledger", account.LedgerId),
            ("unit", LedgerChain.Name(account.Unit)))));

    private void Gauge(string name, string unit, string description, Func<Accounts, IEnumerable<Measurement<double>>> measure) =>
        _meter.CreateObservableGauge(name, () => _accounts.Value is { } now ? measure(now) : [], unit, description);

    private static Measurement<double> Of(double value, params (string Name, object Value)[] labels) =>
        new(value, labels.Select(label => KeyValuePair.Create(label.Name, (object?)label.Value)));

    private sealed record Accounts(IReadOnlyList<AccountGauges> All, IReadOnlyList<AccountGauges> Shown)
    {
        public long Reserved { get; init; }

        public long Held { get; init; }
    }
}
