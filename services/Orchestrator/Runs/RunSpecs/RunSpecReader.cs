using System.Text;
using FlEvents.Contracts;

namespace FlEvents.Orchestrator.Runs;

/// <summary>Reads the <c>run</c> part of a run file, which is also the body of <c>POST /runs</c>.</summary>
public static class RunSpecReader
{
    /// <summary>The run, or everything that is wrong with it.</summary>
    /// <param name="utf8">JSON, at most <see cref="SpecReader.MaximumBytes"/>.</param>
    /// <param name="root">Path that errors are reported under.</param>
    public static SpecReading<RunSpec> Read(ReadOnlyMemory<byte> utf8, string root = "$")
    {
        var (document, error) = SpecReader.Parse(utf8, root);
        using (document)
        {
            return document is null
                ? new SpecReading<RunSpec>(null, [error!])
                : SpecReader.Read<RunSpec>(document.RootElement, root, spec => RunSpecRules.Check(spec, root));
        }
    }

    /// <inheritdoc cref="Read(ReadOnlyMemory{byte}, string)"/>
    public static SpecReading<RunSpec> Read(string json, string root = "$") => Read(Encoding.UTF8.GetBytes(json), root);
}
