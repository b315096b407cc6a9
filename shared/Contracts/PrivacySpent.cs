namespace FlEvents.Contracts;

/// <summary>
/// Event for the client and for readers of the ledger: what the client's data has spent, over all runs that used it, now that charges of a round are final.
/// One for each client with a bounded charge among them; none where nothing was noised, as in a run without privacy.
/// </summary>
public record PrivacySpent
{
    public required Guid RunId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid LedgerId { get; init; }

    /// <summary>One for each privacy unit.</summary>
    public required IReadOnlyList<UnitSpending> Units { get; init; }
}

/// <summary>What a ledger has spent in one privacy unit.</summary>
public record UnitSpending
{
    public required PrivacyUnit Unit { get; init; }

    /// <summary>Whether one of all the ledger's charges is unbounded: then no finite ε holds for them together.</summary>
    public required bool IsUnbounded { get; init; }

    /// <summary>ε at δ of the bounded charges, final ones and those still open, as the ledger's filter counts it; null when there are none.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>δ of the budget; 1e-5 where none says one.</summary>
    public required double Delta { get; init; }

    /// <summary>ε of the budget at δ; null when none is set.</summary>
    public required double? BudgetEpsilon { get; init; }
}
