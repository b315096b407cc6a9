using FlEvents.Learning;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.RunFiles;

/// <summary>Reads run files: JSON, then <c>--set</c> overrides, then every check, then paths.</summary>
public static class RunFileReader
{
    private const string Root = "$";

    /// <summary>The run file at a path and the data it names, or everything that is wrong with either.</summary>
    public static SpecReading<RunFile> LoadWithData(string path, IReadOnlyList<string> overrides)
    {
        var reading = Load(path, overrides);
        return reading.Spec is { } file && DataFiles.Check(file, Root) is { Count: > 0 } errors ? new SpecReading<RunFile>(null, errors) : reading;
    }

    /// <summary>The run file at a path with the process's environment, or everything that is wrong with it. No data is read.</summary>
    public static SpecReading<RunFile> Load(string path, IReadOnlyList<string> overrides)
    {
        try
        {
            using var file = File.OpenRead(path);
            // One byte more than is read tells a file that is too long, whatever its length claims.
            var text = new byte[SpecReader.MaximumBytes + 1];
            var length = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            return Read(text.AsMemory(0, length), Path.GetDirectoryName(Path.GetFullPath(path))!, overrides, Environment.GetEnvironmentVariable);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new SpecReading<RunFile>(null, [new SpecError(path, exception.Message)]);
        }
    }

    /// <summary>The run file with absolute paths, or everything that is wrong with it.</summary>
    /// <param name="utf8">JSON, at most <see cref="SpecReader.MaximumBytes"/>.</param>
    /// <param name="folder">Absolute folder that paths are relative to.</param>
    /// <param name="overrides">Texts <c>key=value</c> in the order given; the last of a key counts.</param>
    /// <param name="environment">Value of an environment variable, null when it is not set.</param>
    public static SpecReading<RunFile> Read(ReadOnlyMemory<byte> utf8, string folder, IReadOnlyList<string> overrides, Func<string, string?> environment)
    {
        var (document, error) = SpecReader.Parse(utf8, Root);
        if (document is not null && overrides.Count > 0)
        {
            using var written = document;
            (document, error) = RunFileOverrides.Apply(written.RootElement, overrides, Root);
        }

        using (document)
        {
            if (document is null)
            {
                return new SpecReading<RunFile>(null, [error!]);
            }

            var (file, errors) = SpecReader.Read<RunFile>(
                document.RootElement,
                Root,
                spec => [.. RunFileRules.Check(spec, Root), .. DataPaths.Resolve(spec.Simulation.Data, folder, environment, $"{Root}.simulation.data").Errors]);
            return file is null ? new SpecReading<RunFile>(null, errors) : new SpecReading<RunFile>(Resolved(file, folder, environment), []);
        }
    }

    private static RunFile Resolved(RunFile file, string folder, Func<string, string?> environment)
    {
        var (sources, _) = DataPaths.Resolve(file.Simulation.Data, folder, environment, Root);
        return file with { Simulation = file.Simulation with { Data = sources } };
    }
}
