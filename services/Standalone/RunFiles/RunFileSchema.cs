using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.RunFiles;

/// <summary>The JSON Schema of run files.</summary>
public static class RunFileSchema
{
    /// <summary>The schema as text, indented, with a line break at its end.</summary>
    public static string Create() => SpecSchema.Create(typeof(RunFile), "FlEvents run file");
}
