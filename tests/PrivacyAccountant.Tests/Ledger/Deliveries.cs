using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>Random deliveries from a world so small that they meet: two runs, two rounds, two attempts, four clients, three ledgers.</summary>
internal static class Deliveries
{
    public static readonly string[] ClientIds = ["anna", "ben", "cem", "dora"];
    public static readonly string[] Owners = ["north", "south", "east"];

    private static readonly Gen<(Guid Run, int Round)> Rounds =
        from run in Gen.Elements(Messages.RunA, Messages.RunB)
        from round in Gen.Choose(1, 2)
        select (run, round);

    private static readonly Gen<object> Reserve =
        from round in Rounds
        from attempt in Gen.Frequency((4, Gen.Constant(1)), (1, Gen.Constant(2)))
        from clients in Gen.NonEmptyListOf(Gen.Elements(ClientIds))
        from owners in Gen.ListOf(Gen.Elements(Owners), ClientIds.Length)
        select (object)Messages.Reserve(round.Run, round.Round, attempt, clients.Distinct().Select((client, i) => $"{client}@{owners[i]}"));

    private static readonly Gen<object> Commit = Rounds.Select(round => (object)Messages.Commit(round.Run, round.Round));

    private static readonly Gen<object> Refund =
        from round in Rounds
        from attempt in Gen.Choose(1, 2)
        from client in Gen.Elements(ClientIds)
        select (object)Messages.Refund(round.Run, round.Round, client, attempt);

    /// <summary>Up to 40 messages, then duplicates of any of them strewn in anywhere.</summary>
    public static readonly Gen<object[]> Any =
        from size in Gen.Choose(1, 40)
        from messages in Gen.ArrayOf(Gen.Frequency((6, Reserve), (1, Commit), (5, Refund)), size)
        from duplicates in Gen.ArrayOf(Gen.Elements(messages), size / 2)
        from order in Gen.Shuffle(Enumerable.Range(0, size + (size / 2)))
        select order.Select(i => i < size ? messages[i] : duplicates[i - size]).ToArray();

    // Sums of these never come near the budgets below: 1, 4 and 2 of a unit, the last less by sampling where that counts.
    private static readonly PrivacyCharge[][] Charges =
    [
        [Charge(PrivacyMechanism.Gaussian, 2), Charge(PrivacyMechanism.Gaussian, 2) with { Unit = PrivacyUnit.Client }],
        [Charge(PrivacyMechanism.Gaussian, 2), Charge(PrivacyMechanism.Gaussian, 1) with { Unit = PrivacyUnit.Client }],
        [Charge(PrivacyMechanism.SubsampledGaussian, 2) with { SamplingProbability = 0.3, Steps = 2 }, Charge(PrivacyMechanism.Gaussian, 2) with { Unit = PrivacyUnit.Client }],
        [Charge(PrivacyMechanism.SubsampledGaussian, 2) with { SamplingProbability = 0.3, Steps = 2 }, new() { Unit = PrivacyUnit.Client, Mechanism = PrivacyMechanism.Unbounded }],
        Messages.Unbounded,
    ];

    // At z = 2 a task costs ρ = 0.125, and 1 at α = 8: room for two tasks, for six, or for as many as there are.
    private static readonly BudgetTerms[] Budgets =
    [
        new() { Rho = 0.3125 },
        new() { Rho = 0.8125, Delta = 1e-6 },
        new() { Epsilon = 2.5 + EpsilonAtNothing, Delta = 1e-5, Alpha = 8 },
        new() { Epsilon = 6.5 + EpsilonAtNothing, Delta = 1e-5, Alpha = 8 },
        new() { Epsilon = 60, Delta = 1e-5 },
    ];

    // ln(7/8) − ln(8·10⁻⁵)/7: what ε at δ = 10⁻⁵ is above the divergence at α = 8.
    private const double EpsilonAtNothing = 1.2141092;

    private static readonly Gen<BudgetTerms> Terms = Gen.Elements(Budgets);

    private static readonly Gen<object> SetBudget =
        from owner in Gen.Elements(Owners)
        from unit in Gen.Elements(PrivacyUnit.Example, PrivacyUnit.Client)
        from terms in Terms
        select (object)new BudgetWish(owner, unit, terms);

    private static readonly Gen<object> Charged =
        from message in Reserve
        from charges in Gen.Elements(Charges)
        select (object)((ReserveBudget)message with { Clients = [.. ((ReserveBudget)message).Clients.Select(client => client with { Charges = charges })] });

    private static readonly Gen<object> Output =
        from round in Gen.Choose(1, 2)
        from client in Gen.Elements(ClientIds)
        from hash in Gen.Elements('a', 'b')
        select (object)Messages.Output(client, round, new string(hash, 64));

    /// <summary>As <see cref="Any"/>, with noise in the tasks, budgets of both kinds that owners set between them, and further outputs.</summary>
    public static readonly Gen<object[]> Budgeted =
        from size in Gen.Choose(5, 60)
        from messages in Gen.ArrayOf(Gen.Frequency((8, Charged), (1, Commit), (2, Refund), (2, SetBudget), (1, Output)), size)
        from duplicates in Gen.ArrayOf(Gen.Elements(messages), size / 4)
        from order in Gen.Shuffle(Enumerable.Range(0, size + (size / 4)))
        select order.Select(i => i < size ? messages[i] : duplicates[i - size]).ToArray();

    /// <summary>Default budgets of either kind for a unit, or none.</summary>
    public static readonly Gen<LedgerPolicy> Policies =
        from units in Gen.SubListOf(PrivacyUnit.Example, PrivacyUnit.Client)
        from terms in Gen.ArrayOf(Terms, 2)
        select new LedgerPolicy { Defaults = units.ToDictionary(unit => unit, unit => terms[(int)unit]) };

    private static PrivacyCharge Charge(PrivacyMechanism mechanism, double noiseMultiplier) =>
        new() { Unit = PrivacyUnit.Example, Mechanism = mechanism, NoiseMultiplier = noiseMultiplier };

    /// <summary>As the Orchestrator sends them: a refund never before the client it names was charged.</summary>
    public static readonly Gen<object[]> Causal = Any.Select(messages =>
    {
        var naive = new NaiveLedger();
        return messages.Where(message =>
        {
            switch (message)
            {
                case ReserveBudget reserve:
                    naive.Reserve(reserve);
                    return true;
                case CommitBudget commit:
                    naive.Commit(commit);
                    return true;
                default:
                    var refund = (RefundBudget)message;
                    return naive.States.Any(state => ReservationId.Of(state.Item1, state.Item2, state.Item3, state.Item4) == refund.ReservationId);
            }
        }).ToArray();
    });

    /// <summary>Deliveries and, after them, any of the same messages again in any order.</summary>
    public static readonly Gen<(object[] First, object[] Again)> Replayed =
        from first in Causal
        where first.Length > 0
        from size in Gen.Choose(1, 60)
        from again in Gen.ArrayOf(Gen.Elements(first), size)
        select (first, again);
}

/// <summary>An owner asks for a budget.</summary>
internal sealed record BudgetWish(string Owner, PrivacyUnit Unit, BudgetTerms Terms);
