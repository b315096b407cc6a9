using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
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

    /// <param name="file">A run file without errors.</param>
    /// <param name="examples">Declared examples by client, shape [clients].</param>
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
            .ToDictionary(entry => entry.Unit, entry => new BudgetTerms { Epsilon = entry.Budget!.Epsilon, Delta = entry.Budget.Delta, Alpha = entry.Budget.Alpha });

    /// <summary>At most <see cref="MostRows"/> of 1 … <paramref name="rounds"/>, evenly spread, the first and the last among them.</summary>
    public static IReadOnlyList<int> Shown(int rounds) => rounds <= MostRows
        ? [.. Enumerable.Range(1, rounds)]
        : [.. Enumerable.Range(0, MostRows).Select(row => 1 + (int)((((long)rounds - 1) * row + ((MostRows - 1) / 2)) / (MostRows - 1)))];

    private static UnitPlan Unit(RunSpec run, RunForecast schedule, PrivacyUnit unit, BudgetTerms? budget)
    {
        PrivacyCharge Charge(ForecastClient client, int round) =>
            PrivacyPlan.Charges(run, client.Client.Data.ExampleCount, round).Single(charge => charge.Unit == unit);

        double Order(ForecastClient client) =>
            Pricing.OrderOf(budget ?? new LedgerPolicy().Assumed, Pricing.EventOf(Charge(client, client.Rounds.FirstOrDefault(1))));

        IReadOnlyList<PrivacyCharge> Charged(ForecastClient client, int last) =>
            [.. client.Rounds.TakeWhile(round => round <= last).Select(round => Charge(client, round))];

        var isBounded = Charge(schedule.Clients[0], 1).Mechanism != PrivacyMechanism.Unbounded;
        var delta = budget?.Delta ?? Guarantees.AssumedDelta;
        var most = !isBounded ? schedule.Clients[0] : schedule.Clients.MaxBy(client =>
        {
            var alpha = Order(client);
            return BudgetFilter.Epsilon(Spent(client.Rounds.Select(round => Charge(client, round)), alpha), alpha, delta);
        })!;
        var order = isBounded ? Order(most) : (double?)null;
        return new UnitPlan
        {
            Unit = unit,
            Guarantee = isBounded ? PlannedGuarantee.Bounded : PlannedGuarantee.Unbounded,
            ClientId = most.Client.ClientId,
            Examples = most.Client.Data.ExampleCount,
            Tasks = most.Rounds.Count,
            Charge = Charge(most, most.Rounds.FirstOrDefault(1)),
            Delta = delta,
            Alpha = order,
            Spending = order is { } alpha ? [.. Shown(run.Rounds).Select(round => Spending(round, Charged(most, round), alpha, delta))] : [],
            Budget = budget is null ? null : Budget(budget, order, run.Rounds, round => Charge(most, round)),
        };
    }

    private static PlannedSpending Spending(int round, IReadOnlyList<PrivacyCharge> charges, double alpha, double delta)
    {
        var composed = Composed(charges);
        return new PlannedSpending
        {
            Round = round,
            Tasks = charges.Count,
            Filter = Finite(BudgetFilter.Epsilon(Spent(charges, alpha), alpha, delta)),
            Rdp = Finite(RdpAccountant.Epsilon(composed, delta).Value),
            Pld = Finite(PldAccountant.Epsilon(composed, delta).Upper),
            Zcdp = ZcdpAccountant.Total(composed) is { } total ? Finite(ZcdpAccountant.Epsilon(total, delta).Value) : null,
        };
    }

    private static PlannedBudget Budget(BudgetTerms terms, double? order, int rounds, Func<int, PrivacyCharge> charge)
    {
        var proposed = order is null ? (double?)null : BudgetFilter.ProposedOrder(terms, Composed([.. Enumerable.Range(1, rounds).Select(charge)]));
        return new PlannedBudget
        {
            Epsilon = terms.Epsilon,
            Delta = terms.Delta,
            RoundsAdmitted = order is { } alpha ? BudgetFilter.RoundsAdmitted(terms, alpha, charge) : 0,
            ProposedAlpha = proposed,
            ProposedRounds = proposed is { } best ? BudgetFilter.RoundsAdmitted(terms, best, charge) : null,
        };
    }

    private static long Spent(IEnumerable<PrivacyCharge> charges, double alpha) => charges.Sum(charge => BudgetFilter.Units(charge, alpha) ?? 0);

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
