using System.Text.RegularExpressions;
using FlEvents.Learning.Data;
using FlEvents.Learning;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.RunFiles;

/// <summary>Makes the paths of data sources absolute and puts environment variables into them.</summary>
internal static partial class DataPaths
{
    /// <summary>The sources with absolute paths, and what could not be resolved.</summary>
    /// <param name="sources">Data sources by name.</param>
    /// <param name="folder">Absolute folder that paths are relative to.</param>
    /// <param name="environment">Value of an environment variable, null when it is not set.</param>
    /// <param name="root">JSON path of the sources.</param>
    public static (IReadOnlyDictionary<string, DataSource> Sources, IReadOnlyList<SpecError> Errors) Resolve(
        IReadOnlyDictionary<string, DataSource> sources,
        string folder,
        Func<string, string?> environment,
        string root)
    {
        var errors = new List<SpecError>();
        var resolved = new Dictionary<string, DataSource>(StringComparer.Ordinal);
        foreach (var (name, source) in sources)
        {
            var at = SpecText.Below(root, name);
            resolved[name] = source with
            {
                Images = Absolute(source.Images, $"{at}.images"),
                Labels = Absolute(source.Labels, $"{at}.labels"),
                Path = Absolute(source.Path, $"{at}.path"),
            };
        }

        return (resolved, errors);

        string? Absolute(string? path, string at)
        {
            if (string.IsNullOrEmpty(path))
            {
                return path;
            }

            var expanded = Variable().Replace(path, match => Value(match, at));
            if (expanded.Contains('\0', StringComparison.Ordinal))
            {
                errors.Add(new SpecError(at, $"expected a path, got {SpecText.Quoted(expanded)}"));
                return null;
            }

            return Path.GetFullPath(expanded, folder);
        }

        string Value(Match match, string at)
        {
            var (name, fallback) = (match.Groups["name"], match.Groups["default"]);
            if (!name.Success)
            {
                errors.Add(new SpecError(at, $"expected ${{NAME}} or ${{NAME:-default}}, got {SpecText.Quoted(match.Value)}"));
                return "";
            }

            // As in a shell, an empty variable counts as one that is not set.
            if (environment(name.Value) is { Length: > 0 } value)
            {
                return value;
            }

            if (!fallback.Success)
            {
                errors.Add(new SpecError(at, $"expected the environment variable {name.Value} to be set, or a default as in ${{{name.Value}:-folder}}"));
            }

            return fallback.Value;
        }
    }

    // The second branch catches what begins like a variable and is none.
    [GeneratedRegex(@"\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<default>[^}]*))?\}|\$\{[^}]*\}?")]
    private static partial Regex Variable();
}
