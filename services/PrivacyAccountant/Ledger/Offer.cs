using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>One charge a client is asked for, priced, and whether its account takes it.</summary>
/// <param name="NewBudget">The account's first budget, which the policy gives it.</param>
internal sealed record Offer(Reservation Reservation, BudgetTerms? NewBudget, ClientRefusal? Refusal)
{
    public static Offer Of(Reservation asked, PrivacyCharge charge, Draft draft, LedgerPolicy policy)
    {
        var account = draft.AccountOf(asked.Account);
        var charged = Pricing.EventOf(charge);
        var given = account.Budget is null ? policy.Defaults.GetValueOrDefault(asked.Unit) : null;
        var budget = account.Budget ?? given;
        var measure = account.Measure ?? Pricing.MeasureOf(budget ?? BudgetTerms.Assumed, charged);
        var taken = Pricing.ChargeOf(charged, measure);
        var priced = asked.Priced(taken, measure);
        return new Offer(priced, given is null ? null : given with { Alpha = measure.Order }, RefusalOf(priced, taken, account, budget, measure));
    }

    // A sum of integers against an integer: the same comparison, whoever makes it and whenever (privacy rule 15).
    private static ClientRefusal? RefusalOf(Reservation priced, BudgetCharge taken, UnitAccount account, BudgetTerms? terms, PrivacyMeasure measure)
    {
        if (terms is null)
        {
            return null;
        }

        if (account.ConflictWith(terms) is { } conflict)
        {
            return Refuse(priced, conflict);
        }

        var budget = terms.In(measure);
        var unit = LedgerChain.Name(priced.Unit);
        return budget.Admits(account.Spent, taken) ? null
            : taken.IsUnbounded ? Refuse(priced, $"An unbounded charge in the unit {unit} does not fit a budget of {terms}.")
            : Refuse(priced, $"A charge of {taken.Units} units in the unit {unit} does not fit a budget of {terms}: {account.Spent} of {budget.Capacity} are spent.");
    }

    private static ClientRefusal Refuse(Reservation priced, string detail) =>
        new() { ClientId = priced.ClientId, ReasonCode = BudgetRefusalCode.BudgetExhausted, Detail = detail };
}
