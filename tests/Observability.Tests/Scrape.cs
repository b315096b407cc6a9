using System.Text.RegularExpressions;

namespace FlEvents.Observability.Tests;

/// <summary>The series of one look at <c>/metrics</c>.</summary>
internal sealed partial class Scrape(string text)
{
    public string Text => text;

    /// <summary>Values by name with labels, as they are written.</summary>
    public IReadOnlyDictionary<string, double> Series { get; } = text.Split('\n')
        .Where(line => line.Length > 0 && line[0] != '#')
        .ToDictionary(line => line[..line.LastIndexOf(' ')], line => PrometheusServer.Number(line[(line.LastIndexOf(' ') + 1)..]));

    /// <summary>Names of series, without their labels, that have a label.</summary>
    public IReadOnlySet<string> NamesWith(string label) =>
        Series.Keys.Where(key => Regex.IsMatch(key, $"[{{,]{label}=")).Select(NameOf).ToHashSet(StringComparer.Ordinal);

    /// <summary>Series of some names.</summary>
    public IReadOnlyDictionary<string, double> Of(params string[] names) => Series.Where(series => names.Contains(NameOf(series.Key))).ToDictionary();

    private static string NameOf(string key) => NameOnly().Match(key).Value;

    [GeneratedRegex("^[a-z_0-9]+")]
    private static partial Regex NameOnly();
}
