namespace FlEvents.Contracts;

/// <summary>Reason codes of <see cref="BudgetRefused"/>.</summary>
public static class BudgetRefusalCode
{
    /// <summary>The same reservation was made before with another ledger or other charges.</summary>
    public const string Conflict = "CONFLICT";

    /// <summary>Another client of the same ledger is in the round.</summary>
    public const string OwnerAlreadyInRound = "OWNER_ALREADY_IN_ROUND";

    /// <summary>The round's charges are final: no work may be handed out in it any more.</summary>
    public const string RoundCommitted = "ROUND_COMMITTED";

    /// <summary>The same reservation was made and given back before.</summary>
    public const string Refunded = "REFUNDED";

    /// <summary>The charge does not fit what is left of a budget.</summary>
    public const string BudgetExhausted = "BUDGET_EXHAUSTED";
}
