using System.Text.Json;
using System.Text.RegularExpressions;
using FlEvents.Testing;

namespace FlEvents.Observability.Tests;

/// <summary>The dashboards of the repository, as far as tests ask.</summary>
internal static partial class Dashboards
{
    /// <summary>What the broker counts, beside the services' own instruments.</summary>
    public const string InBroker = "rabbitmq_detailed_queue_messages";

    private static readonly string Folder = Repository.File("k8s", "observability", "dashboards");

    public static IReadOnlyList<Dashboard> All { get; } = [.. Directory.EnumerateFiles(Folder, "*.json").Order(StringComparer.Ordinal).Select(Read)];

    /// <summary>A query with Grafana's variables filled in: every run and client, and a while that covers the test.</summary>
    public static string Filled(string query) => query
        .Replace("$__rate_interval", "5m", StringComparison.Ordinal)
        .Replace("$run", ".*", StringComparison.Ordinal)
        .Replace("$client", ".*", StringComparison.Ordinal);

    /// <summary>Names of metrics in a query; those of a histogram's series without their ending.</summary>
    public static IEnumerable<string> MetricsIn(string query) => Metric().Matches(query).Select(match => Ending().Replace(match.Value, "")).Distinct();

    private static Dashboard Read(string path)
    {
        var json = JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
        var variables = json.GetProperty("templating").GetProperty("list").EnumerateArray().ToList();
        return new Dashboard(
            Path.GetFileNameWithoutExtension(path),
            json,
            [.. json.GetProperty("panels").EnumerateArray().Select(panel => new Panel(
                panel.GetProperty("id").GetInt32(),
                panel.GetProperty("title").GetString()!,
                panel,
                [.. panel.GetProperty("targets").EnumerateArray().Select(target => target.GetProperty("expr").GetString()!)]))],
            [.. variables.Where(variable => variable.GetProperty("type").GetString() == "query")
                .Select(variable => LabelValues().Match(variable.GetProperty("query").GetProperty("query").GetString()!))
                .Select(match => (match.Groups[1].Value, match.Groups[2].Value))]);
    }

    [GeneratedRegex("\\b(fl|rabbitmq)_[a-z_0-9]+")]
    private static partial Regex Metric();

    [GeneratedRegex("_(bucket|count|sum)$")]
    private static partial Regex Ending();

    [GeneratedRegex(@"^label_values\((\w+), (\w+)\)$")]
    private static partial Regex LabelValues();
}

/// <param name="Variables">Metric and label of each variable that is looked up.</param>
internal sealed record Dashboard(string Name, JsonElement Json, IReadOnlyList<Panel> Panels, IReadOnlyList<(string Metric, string Label)> Variables);

internal sealed record Panel(int Id, string Title, JsonElement Json, IReadOnlyList<string> Queries);
