namespace FlEvents.Learning.Models;

/// <summary>What is wrong with a model spec.</summary>
/// <param name="Path">The value, relative to the model spec, such as <c>layers[2].kernel</c>.</param>
/// <param name="Message">One sentence that names the value and what was expected.</param>
public sealed record ModelError(string Path, string Message);
