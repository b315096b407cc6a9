using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Plans;

/// <summary>A client of a plan.</summary>
/// <param name="Examples">Declared examples, at least 1: rows, or privacy units where these have a column.</param>
/// <param name="Rounds">Rounds it is charged for, in order.</param>
public record PlannedClient(string ClientId, int Examples, IReadOnlyList<int> Rounds);

/// <summary>What a run will have cost in privacy after each round, before it begins.</summary>
public static class UnitPlans
{
    /// <summary>Most rounds that are listed.</summary>
    public const int MostRows = 12;

    /// <summary>Rounds beyond which nobody counts: the most that a run file may ask for.</summary>
    public const int MostRounds = 100_000;

    /// <summary>At most <see cref="MostRows"/> of 1 … <paramref name="rounds"/>, evenly spread, the first and the last among them.</summary>
    public static IReadOnlyList<int> Shown(int rounds) => rounds <= MostRows
        ? [.. Enumerable.Range(1, rounds)]
        : [.. Enumerable.Range(0, MostRows).Select(row => 1 + (int)((((long)rounds - 1) * row + ((MostRows - 1) / 2)) / (MostRows - 1)))];

    /// <summary>A run's privacy in one unit, for the client that is charged most.</summary>
    /// <param name="clients">Who takes part, and in which rounds; at least one.</param>
    /// <param name="budget">Null where none is set for the unit.</param>
    /// <exception cref="InvalidDataException">A charge of the plan is out of every accountant's range.</exception>
    public static UnitPlan Of(RunSpec run, IReadOnlyList<PlannedClient> clients, PrivacyUnit unit, BudgetTerms? budget)
    {
        PrivacyCharge Charge(PlannedClient client, int round) =>
            PrivacyPlan.Charges(run, client.Examples, round).Single(charge => charge.Unit == unit);

        PrivacyMeasure Measure(PlannedClient client) =>
            Pricing.MeasureOf(budget ?? BudgetTerms.Assumed, Pricing.EventOf(Charge(client, client.Rounds.FirstOrDefault(1))));

        IReadOnlyList<PrivacyCharge> Charged(PlannedClient client, int last) =>
            [.. client.Rounds.TakeWhile(round => round <= last).Select(round => Charge(client, round))];

        var isBounded = Charge(clients[0], 1).Mechanism != PrivacyMechanism.Unbounded;
        var delta = (budget ?? BudgetTerms.Assumed).ShownDelta;
        var most = !isBounded ? clients[0] : clients.MaxBy(client =>
        {
            var measure = Measure(client);
            return Pricing.EpsilonOf(Spent(client.Rounds.Select(round => Charge(client, round)), measure), measure, delta);
        })!;
        var countedIn = isBounded ? Measure(most) : null;
        return new UnitPlan
        {
            Unit = unit,
            Guarantee = isBounded ? PlannedGuarantee.Bounded : PlannedGuarantee.Unbounded,
            ClientId = most.ClientId,
            Examples = most.Examples,
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
}
