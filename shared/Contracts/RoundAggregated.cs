namespace FlEvents.Contracts;

/// <summary>Public event: a round is done; its model is the next global model.</summary>
public record RoundAggregated
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required BlobRef Model { get; init; }
    public required int UpdatesAdmitted { get; init; }

    /// <summary>The publish gate's proof that every charge of the round is final.</summary>
    public required LedgerReceipt Receipt { get; init; }

    /// <summary>Scores on the Aggregator's held-out data; null when none was due.</summary>
    public required ModelEvaluation? Evaluation { get; init; }

    /// <summary>C that the Aggregator clipped updates to, which follows from noised values alone; null where it clips none.</summary>
    public required double? ClipNorm { get; init; }
}

/// <summary>Scores of a global model; a value that does not fit the task is null.</summary>
public record ModelEvaluation
{
    public required int ExampleCount { get; init; }

    /// <summary>Mean loss per example.</summary>
    public required double Loss { get; init; }

    /// <summary>Share of examples put in the right class, in [0, 1].</summary>
    public required double? Accuracy { get; init; }

    /// <summary>Accuracy by class, in the order of the outputs; null for a class without examples.</summary>
    public required IReadOnlyList<double?>? PerClassAccuracy { get; init; }

    /// <summary>Area under the ROC curve of a binary label, ties counted half, in [0, 1].</summary>
    public required double? Auc { get; init; }

    /// <summary>Mean absolute error of a numeric label, in the label's own unit.</summary>
    public required double? MeanAbsoluteError { get; init; }
}
