namespace FlEvents.Orchestrator.Runs;

/// <summary>One thing wrong with a run file or the body of a request.</summary>
/// <param name="Path">Where, as a JSON path such as <c>$.run.training.learningRate</c>.</param>
/// <param name="Message">The value that was given and what was expected, on one line and without control characters.</param>
public record SpecError(string Path, string Message)
{
    public override string ToString() => $"{Path}: {Message}";
}

/// <summary>What reading a specification gave: the specification, or everything that is wrong with it.</summary>
/// <param name="Spec">Null exactly when there are errors.</param>
/// <param name="Errors">In the order of the text, the rules over several keys last.</param>
public record SpecReading<T>(T? Spec, IReadOnlyList<SpecError> Errors)
    where T : class;
