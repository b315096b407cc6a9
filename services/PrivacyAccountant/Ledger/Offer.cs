using System.Globalization;
using FlEvents.Contracts;
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
        var alpha = account.Alpha ?? Pricing.OrderOf(account.Budget ?? given ?? policy.Assumed, charged);
        var text = Pricing.TextOf(charged, alpha);
        var priced = asked with { Charge = text, Alpha = text == Pricing.Unbounded ? null : alpha };
        var newBudget = given is null ? null : given with { Alpha = alpha };
        return new Offer(priced, newBudget, RefusalOf(priced, account, newBudget ?? account.Budget, alpha));
    }

    // A sum of integers against an integer: the same comparison, whoever makes it and whenever (privacy rule 15).
    private static ClientRefusal? RefusalOf(Reservation priced, UnitAccount account, BudgetTerms? budget, double alpha)
    {
        if (budget is null)
        {
            return null;
        }

        var capacity = budget.CapacityAt(alpha);
        var unit = LedgerChain.Name(priced.Unit);
        var terms = string.Create(CultureInfo.InvariantCulture, $"a budget of ε = {budget.Epsilon} at δ = {budget.Delta}");
        return Pricing.UnitsOf(priced.Charge) switch
        {
            null => Refuse(priced, $"An unbounded charge in the unit {unit} does not fit {terms}."),
            { } units when units > capacity - account.Spent =>
                Refuse(priced, $"A charge of {units} units in the unit {unit} does not fit {terms}: {account.Spent} of {capacity} are spent."),
            _ => null,
        };
    }

    private static ClientRefusal Refuse(Reservation priced, string detail) =>
        new() { ClientId = priced.ClientId, ReasonCode = BudgetRefusalCode.BudgetExhausted, Detail = detail };
}
