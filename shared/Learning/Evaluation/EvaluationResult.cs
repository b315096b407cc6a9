namespace FlEvents.Learning.Evaluation;

/// <summary>Counts and sums of a model's scores, which add up over clients.</summary>
public sealed record EvaluationResult
{
    public required int Count { get; init; }

    /// <summary>Sum of the examples' losses; for mean squared error in squared scaled units.</summary>
    public required double LossSum { get; init; }

    /// <summary>Examples put in the right class; null for a numeric label.</summary>
    public required int? CorrectCount { get; init; }

    /// <summary>One entry per class; empty for a numeric label.</summary>
    public required IReadOnlyList<ClassScore> Classes { get; init; }

    /// <summary>Sum of absolute errors in the label's own unit; null for a class label.</summary>
    public required double? AbsoluteErrorSum { get; init; }

    /// <summary>Area under the ROC curve; null unless the label is binary and both classes occur.</summary>
    public required double? Auc { get; init; }
}

/// <summary>Scores of the examples of one class.</summary>
/// <param name="Count">Examples whose label is the class.</param>
/// <param name="CorrectCount">Those of them put in it.</param>
public readonly record struct ClassScore(int Count, int CorrectCount);
