using System.Globalization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Runs;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Console;
using Spectre.Console;

namespace FlEvents.Standalone.Privacy;

/// <summary>The page of <c>flevents ledger show</c>: what a client's data has spent, told from the log alone.</summary>
public static class ClientLedgerPage
{
    private const int NewestEntries = 10;

    /// <summary>Writes the ledgers a client was charged in.</summary>
    /// <returns>The exit code.</returns>
    public static int Write(ILedgerSource source, string clientId, IAnsiConsole console, TextWriter errors)
    {
        var ledgers = source.LedgersOf(clientId);
        if (ledgers.Count == 0)
        {
            errors.WriteLine($"{source.Place}: client {SpecText.Plain(clientId)} was never charged.");
            return ExitCode.BadInput;
        }

        var wanted = ledgers.Select(ledger => ledger.LedgerId).ToHashSet();
        var accounts = LedgerReplay.Of(source.Entries().Where(entry => entry.LedgerId is { } ledgerId && wanted.Contains(ledgerId)), NewestEntries);
        foreach (var (ledgerId, identity) in ledgers)
        {
            Line(console, "Ledger", ledgerId.ToString());
            var part = $"{SpecText.Plain(identity.PartitionRule)}, seed {identity.PartitionSeed}, part {identity.PartitionIndex}";
            Line(console, "Data", $"{SpecText.Plain(identity.DataSet)} of {SpecText.Plain(identity.Owner)}, {part}");
            foreach (var unit in Enum.GetValues<PrivacyUnit>())
            {
                if (accounts.GetValueOrDefault(new AccountKey(ledgerId, unit)) is { } account)
                {
                    console.WriteLine("");
                    Write(console, account);
                }
            }

            console.WriteLine("");
        }

        return ExitCode.Done;
    }

    private static void Write(IAnsiConsole console, ReplayedAccount account)
    {
        var totals = account.Totals;
        Line(console, "Unit", LedgerChain.Name(totals.Key.Unit));
        Lines(console, "Charged", account.Charges.Select(part => $"{HumanUnits.Count(part.Count)} × {ChargeText.Of(part.Charge)}").DefaultIfEmpty("nothing"));
        Lines(console, "Spent", Spent(account));
        Lines(console, "Budget", Budget(totals));
        Line(console, "Entries", $"{HumanUnits.Count(totals.Reserved)} reserved, {HumanUnits.Count(totals.Committed)} committed, {HumanUnits.Count(totals.Refunded)} refunded");
        console.Write(Entries(account.Newest));
    }

    private static IEnumerable<string> Spent(ReplayedAccount account)
    {
        var totals = account.Totals;
        var delta = (totals.Budget ?? BudgetTerms.Assumed).ShownDelta;
        var at = $"at δ = {SpecText.Number(delta)}";
        if (totals.Unbounded > 0)
        {
            yield return $"{Pricing.Unbounded}, by {HumanUnits.Count(totals.Unbounded)} charge{(totals.Unbounded == 1 ? "" : "s")}";
        }

        if (totals is not { Measure: { } measure, Spent: > 0 })
        {
            if (totals.Unbounded == 0)
            {
                yield return $"ε = 0 {at}";
            }

            yield break;
        }

        var bounded = account.Charges.Where(charge => charge.Charge.Mechanism != PrivacyMechanism.Unbounded);
        var schedule = PldAccountant.Epsilon(UnitPlans.Composed(bounded), delta).Upper;
        var others = totals.Unbounded > 0 ? "the others " : "";
        var by = $"by the filter {(measure.Order is null ? "in" : "at")} {BudgetText.Of(measure)}";
        yield return $"{others}ε = {HumanUnits.Score(Pricing.EpsilonOf(totals.Spent, measure, delta))} {at} {by}";
        yield return $"{others}ε = {(double.IsFinite(schedule) ? HumanUnits.Score(schedule) : Pricing.Unbounded)} for the fixed schedule, by its privacy losses";
    }

    private static IEnumerable<string> Budget(AccountTotals totals)
    {
        if (totals.Budget is not { } budget)
        {
            yield return "none";
            yield break;
        }

        var terms = BudgetText.Of(budget.Rho, budget.ShownEpsilon, budget.ShownDelta);
        if (totals.Measure is not { } measure)
        {
            yield return $"{terms}, {HumanUnits.Share(1)} left";
            yield break;
        }

        var capacity = budget.In(measure).Capacity;
        var left = capacity == 0 ? 0 : Math.Clamp(1 - (totals.Spent / (double)capacity), 0, 1);
        yield return $"{terms}, {HumanUnits.Share(left)} left";
        yield return $"{HumanUnits.Count(totals.Spent)} of {HumanUnits.Count(capacity)} units are spent";
        if (totals.Unbounded > 0)
        {
            yield return "it does not cover the unbounded charges, which came before it";
        }
    }

    private static Table Entries(IReadOnlyList<LedgerEntry> entries)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var (heading, isNumber) in new[] { ("Entry", true), ("Kind", false), ("Round", true), ("Client", false), ("Charge", true), ("At", false) })
        {
            var column = new TableColumn(new Text(heading));
            table.AddColumn(isNumber ? column.RightAligned() : column);
        }

        foreach (var entry in entries)
        {
            string[] cells =
            [
                HumanUnits.Count(entry.Sequence),
                LedgerChain.Name(entry.Kind),
                entry.Round?.ToString(CultureInfo.InvariantCulture) ?? "–",
                entry.ClientId ?? "–",
                entry.Charge is { } charge && long.TryParse(charge, CultureInfo.InvariantCulture, out var units) ? HumanUnits.Count(units) : entry.Charge ?? "–",
                entry.At.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
            ];
            table.AddRow(cells.Select(cell => new Text(SpecText.Plain(cell))));
        }

        return table;
    }

    private static void Lines(IAnsiConsole console, string name, IEnumerable<string> texts)
    {
        foreach (var (index, text) in texts.Index())
        {
            Line(console, index == 0 ? name : "", text);
        }
    }

    private static void Line(IAnsiConsole console, string name, string text) => console.WriteLine($"{name,-10}{text}");
}
