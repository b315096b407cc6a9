using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Privacy;

/// <summary>Makes a run's plan from its file and the clients' declared examples alone.</summary>
public static class RunPlans
{
    /// <summary>Most rounds that are listed.</summary>
    public const int MostRows = 12;

    /// <summary>Rounds beyond which nobody counts: the most that a run file may ask for.</summary>
    public const int MostRounds = 100_000;

    /// <param name="file">A run file without errors.</param>
    /// <param name="examples">Declared examples by client: rows, or privacy units where these have a column; shape [clients].</param>
    /// <param name="task">One client's local round, with the mean number of examples.</param>
    /// <param name="processors">Processors of the machine.</param>
    /// <exception cref="InvalidDataException">A charge of the plan is out of every accountant's range.</exception>
    public static RunPlan Of(RunFile file, IReadOnlyList<int> examples, TimeSpan task, int processors)
    {
        var (run, budgets) = (file.Run, Budgets(file.Simulation.Budgets));
        var schedule = RunForecast.Of(file, examples, new LedgerPolicy());
        var forecast = budgets.Count == 0 ? schedule : RunForecast.Of(file, examples, new LedgerPolicy { Defaults = budgets });
        return new RunPlan
        {
            Name = run.Name,
            Mode = run.Privacy.Mode,
            Rounds = run.Rounds,
            Clients = examples.Count,
            PrivacyUnitColumn = run.Data.PrivacyUnitColumn,
            FewestExamples = examples.Min(),
            MostExamples = examples.Max(),
            Cohort = schedule.Tasks.DefaultIfEmpty().Max(),
            CohortsAreDrawn = schedule.IsDrawn,
            Ending = forecast.Ending,
            RoundsDone = forecast.Tasks.Count,
            ClientsLeftOut = forecast.Clients.Where(client => client.RefusedIn is not null).Sum(client => client.Alike),
            Units = [.. Enum.GetValues<PrivacyUnit>().Select(unit => Unit(run, schedule, unit, budgets.GetValueOrDefault(unit)))],
            Traffic = Traffic(Model.Create(run.Model), schedule, forecast),
            Time = Time(task, Math.Min(file.Simulation.Slots(processors), processors), schedule, forecast),
        };
    }

    /// <summary>The budgets that a simulation gives its clients' ledgers, by unit.</summary>
    public static IReadOnlyDictionary<PrivacyUnit, BudgetTerms> Budgets(SimulationBudgets budgets) =>
        new[] { (Unit: PrivacyUnit.Example, Budget: budgets.Example), (Unit: PrivacyUnit.Client, Budget: budgets.Client) }
            .Where(entry => entry.Budget is not null)
            .ToDictionary(entry => entry.Unit, entry => entry.Budget!.Terms);

    /// <summary>At most <see cref="MostRows"/> of 1 … <paramref name="rounds"/>, evenly spread, the first and the last among them.</summary>
    public static IReadOnlyList<int> Shown(int rounds) => rounds <= MostRows
        ? [.. Enumerable.Range(1, rounds)]
        : [.. Enumerable.Range(0, MostRows).Select(row => 1 + (int)((((long)rounds - 1) * row + ((MostRows - 1) / 2)) / (MostRows - 1)))];

    private static UnitPlan Unit(RunSpec run, RunForecast schedule, PrivacyUnit unit, BudgetTerms? budget)
    {
        PrivacyCharge Charge(ForecastClient client, int round) =>
            PrivacyPlan.Charges(run, client.Client.Data.ExampleCount, round).Single(charge => charge.Unit == unit);

        PrivacyMeasure Measure(ForecastClient client) =>
            Pricing.MeasureOf(budget ?? BudgetTerms.Assumed, Pricing.EventOf(Charge(client, client.Rounds.FirstOrDefault(1))));

        IReadOnlyList<PrivacyCharge> Charged(ForecastClient client, int last) =>
            [.. client.Rounds.TakeWhile(round => round <= last).Select(round => Charge(client, round))];

        var isBounded = Charge(schedule.Clients[0], 1).Mechanism != PrivacyMechanism.Unbounded;
        var delta = (budget ?? BudgetTerms.Assumed).ShownDelta;
        var most = !isBounded ? schedule.Clients[0] : schedule.Clients.MaxBy(client =>
        {
            var measure = Measure(client);
            return Pricing.EpsilonOf(Spent(client.Rounds.Select(round => Charge(client, round)), measure), measure, delta);
        })!;
        var countedIn = isBounded ? Measure(most) : null;
        return new UnitPlan
        {
            Unit = unit,
            Guarantee = isBounded ? PlannedGuarantee.Bounded : PlannedGuarantee.Unbounded,
            ClientId = most.Client.ClientId,
            Examples = most.Client.Data.ExampleCount,
            Tasks = most.Rounds.Count,
            Charge = Charge(most, most.Rounds.FirstOrDefault(1)),
            Delta = delta,
            Alpha = countedIn?.Order,
            Measure = countedIn?.Word,
            Spending = countedIn is null ? [] : [.. Shown(run.Rounds).Select(round => Spending(round, Charged(most, round), countedIn, delta))],
            Budget = budget is null ? null : Budget(budget, countedIn, run.Rounds, round => Charge(most, round)),
        };
    }

    private static PlannedSpending Spending(int round, IReadOnlyList<PrivacyCharge> charges, PrivacyMeasure measure, double delta)
    {
        var composed = Composed(charges);
        return new PlannedSpending
        {
            Round = round,
            Tasks = charges.Count,
            Filter = Finite(Pricing.EpsilonOf(Spent(charges, measure), measure, delta)),
            Rdp = Finite(RdpAccountant.Epsilon(composed, delta).Value),
            Pld = Finite(PldAccountant.Epsilon(composed, delta).Upper),
            Zcdp = ZcdpAccountant.Total(composed) is { } total ? Finite(ZcdpAccountant.Epsilon(total, delta).Value) : null,
        };
    }

    private static PlannedBudget Budget(BudgetTerms terms, PrivacyMeasure? measure, int rounds, Func<int, PrivacyCharge> charge)
    {
        // ρ has no order to propose.
        var proposed = measure is null or ZcdpMeasure ? null : Pricing.MeasureOf(terms with { Alpha = null }, Composed([.. Enumerable.Range(1, rounds).Select(charge)]));
        return new PlannedBudget
        {
            Epsilon = terms.ShownEpsilon,
            Delta = terms.ShownDelta,
            Rho = terms.Rho,
            RoundsAdmitted = measure is null ? 0 : RoundsAdmitted(terms, measure, charge),
            ProposedAlpha = proposed?.Order,
            ProposedRounds = proposed is null ? null : RoundsAdmitted(terms, proposed, charge),
        };
    }

    /// <summary>Rounds that a budget admits to a client that takes part in each from the first, however many the run has.</summary>
    /// <param name="charge">The charge of a round, from 1.</param>
    /// <returns>At most <see cref="MostRounds"/>.</returns>
    public static int RoundsAdmitted(BudgetTerms terms, PrivacyMeasure measure, Func<int, PrivacyCharge> charge) =>
        terms.In(measure).RoundsLeft(0, Enumerable.Range(1, MostRounds).Select(round => Pricing.EventOf(charge(round))));

    private static long Spent(IEnumerable<PrivacyCharge> charges, PrivacyMeasure measure) =>
        charges.Sum(charge => Pricing.ChargeOf(Pricing.EventOf(charge), measure) is { IsUnbounded: false } taken ? taken.Units : 0);

    /// <summary>Charges as one event for the accountants of a fixed schedule; those alike are counted together.</summary>
    public static EventSequence Composed(IEnumerable<PrivacyCharge> charges) =>
        Composed(charges.CountBy(charge => charge).Select(part => (part.Key, (long)part.Value)));

    /// <summary>Charges, and how many of each, as one event.</summary>
    public static EventSequence Composed(IEnumerable<(PrivacyCharge Charge, long Count)> charges) =>
        new(charges.Select(part => (PrivacyEvent)new RepeatedEvent(Pricing.EventOf(part.Charge), part.Count)));

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static TrafficPlan Traffic(Model model, RunForecast schedule, RunForecast forecast)
    {
        var bytes = SafetensorsWriter.FileLength(model.Layout);
        var perRound = bytes * schedule.Tasks.DefaultIfEmpty().Max();
        var all = bytes * forecast.Tasks.Sum(tasks => (long)tasks);
        return new TrafficPlan { ModelBytes = bytes, DownPerRound = perRound, UpPerRound = perRound, Down = all, Up = all };
    }

    private static TimePlan Time(TimeSpan task, int workers, RunForecast schedule, RunForecast forecast)
    {
        // At least one task after the other where there are fewer tasks than workers; otherwise workers are never idle.
        double Seconds(int tasks) => task.TotalSeconds * Math.Max(1, tasks / (double)workers);
        return new TimePlan
        {
            TaskSeconds = task.TotalSeconds,
            Workers = workers,
            RoundSeconds = Seconds(schedule.Tasks.DefaultIfEmpty().Max()),
            RunSeconds = forecast.Tasks.Sum(Seconds),
        };
    }
}
