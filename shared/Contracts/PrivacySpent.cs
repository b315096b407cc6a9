namespace FlEvents.Contracts;

/// <summary>Event for the client and for readers of the ledger: what a data set has spent in one unit. Not published for a run without privacy.</summary>
public record PrivacySpent
{
    public required Guid RunId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid LedgerId { get; init; }
    public required PrivacyUnit Unit { get; init; }

    /// <summary>ε spent at δ; null when it is unbounded.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>δ of the budget; null when none is set.</summary>
    public required double? Delta { get; init; }

    /// <summary>ε of the budget; null when none is set.</summary>
    public required double? BudgetEpsilon { get; init; }
}
