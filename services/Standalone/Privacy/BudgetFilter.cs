using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.Standalone.Privacy;

/// <summary>The ledger's filter as plans and ledger pages ask it: the functions that admit tasks, and no formula of its own (privacy rule 14).</summary>
public static class BudgetFilter
{
    /// <summary>Rounds beyond which nobody counts: the most that a run file may ask for.</summary>
    public const int MostRounds = 100_000;

    /// <summary>ε at δ of what an account has spent, proved at its order alone.</summary>
    /// <param name="spentUnits">Units of 10⁻⁹.</param>
    public static double Epsilon(long spentUnits, double alpha, double delta) => Pricing.EpsilonOf(spentUnits, alpha, delta);

    /// <summary>Units of 10⁻⁹ that may be spent.</summary>
    public static long Capacity(BudgetTerms terms, double alpha) => terms.CapacityAt(alpha);

    /// <summary>The order at which the budget has the most room for a whole plan.</summary>
    public static double ProposedOrder(BudgetTerms terms, PrivacyEvent plan) => BudgetSpec.Propose(terms.Epsilon, terms.Delta, [plan]).Alpha;

    /// <summary>Rounds that a budget admits to a client that takes part in each from the first, however many the run has.</summary>
    /// <param name="charge">The charge of a round, from 1.</param>
    /// <returns>At most <see cref="MostRounds"/>.</returns>
    public static int RoundsAdmitted(BudgetTerms terms, double alpha, Func<int, PrivacyCharge> charge)
    {
        var capacity = Capacity(terms, alpha);
        var (round, spent) = (0, 0L);
        while (round < MostRounds && Units(charge(round + 1), alpha) is { } units && units <= capacity - spent)
        {
            spent += units;
            round++;
        }

        return round;
    }

    /// <summary>What a charge takes from an account at its order, in units of 10⁻⁹; null when it is unbounded.</summary>
    public static long? Units(PrivacyCharge charge, double alpha) => Pricing.UnitsOf(Pricing.TextOf(Pricing.EventOf(charge), alpha));
}
