using FlEvents.Learning;

namespace FlEvents.Orchestrator.Runs;

/// <summary>What reading a specification gave: the specification, or everything that is wrong with it.</summary>
/// <param name="Spec">Null exactly when there are errors.</param>
/// <param name="Errors">In the order of the text, the rules over several keys last.</param>
public record SpecReading<T>(T? Spec, IReadOnlyList<SpecError> Errors)
    where T : class;
