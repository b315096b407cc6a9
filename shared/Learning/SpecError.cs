namespace FlEvents.Learning;

/// <summary>One thing wrong with a specification: a run file, the body of a request, a model, a data set, a partition.</summary>
/// <param name="Path">Where, relative to the specification: a property, or a JSON path such as <c>layers[2].kernel</c>.</param>
/// <param name="Message">One sentence that names the value that was given and what was expected.</param>
public sealed record SpecError(string Path, string Message)
{
    public override string ToString() => $"{Path}: {Message}";
}
