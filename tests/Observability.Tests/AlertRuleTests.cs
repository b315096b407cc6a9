using System.Text.RegularExpressions;
using FlEvents.Testing;

namespace FlEvents.Observability.Tests;

public partial class AlertRuleTests
{
    private static readonly string Folder = Repository.File("tests", "Observability.Tests", "Alerts");
    private static readonly string ObjectPath = Repository.File("k8s", "observability", "prometheus-rule.yaml");

    private const string ObjectHead = """
        # Made from alerts.yaml, whose groups it holds: FLEVENTS_RENEW=1 dotnet test --project tests/Observability.Tests
        apiVersion: monitoring.coreos.com/v1
        kind: PrometheusRule
        metadata:
          name: flevents
          labels:
            app.kubernetes.io/part-of: flevents
        spec:

        """;

    public static TheoryData<string> Files => [.. Directory.EnumerateFiles(Folder, "*.test.yaml").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Files))]
    public Task The_alerts_fire_when_they_should_and_only_then(string file) => PrometheusTools.CheckAsync(["test", "rules", Path.Combine(Folder, file)]);

    [Fact]
    public Task The_rules_are_well_formed() => PrometheusTools.CheckAsync(["check", "rules", AlertRule.SourcePath]);

    [Fact]
    public void Every_alert_is_tested_firing_and_not_firing()
    {
        var cases = Files.SelectMany(file => Case().Split(File.ReadAllText(Path.Combine(Folder, file.Data))).Skip(1)).ToList();
        Assert.Equal(10, AlertRule.All.Count);
        Assert.All(AlertRule.All, alert =>
        {
            var own = cases.Where(text => text.StartsWith(alert.Name + "\n", StringComparison.Ordinal)).ToList();
            Assert.Contains(own, text => text.Contains("exp_alerts: []", StringComparison.Ordinal));
            Assert.Contains(own, text => text.Contains("exp_labels:", StringComparison.Ordinal));
        });
    }

    [Fact]
    public void Every_alert_says_how_bad_it_is_what_to_do_and_where_to_look()
    {
        foreach (var alert in AlertRule.All)
        {
            Assert.Matches("severity: (warning|critical)\n", alert.Text);
            Assert.Matches("summary: '.+'\n", alert.Text);
            Assert.Matches("description: '.{80,}'\n", alert.Text);
            var link = Link().Match(alert.Text);
            Assert.True(link.Success, $"{alert.Name} has no dashboard_path.");
            var dashboard = Assert.Single(Dashboards.All, dashboard => dashboard.Json.GetProperty("uid").GetString() == link.Groups[1].Value);
            var panel = Assert.Single(dashboard.Panels, panel => panel.Id == int.Parse(link.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture));

            // The panel shows what the alert looks at.
            Assert.Contains(panel.Queries.SelectMany(Dashboards.MetricsIn), Dashboards.MetricsIn(alert.Expression).Contains);
        }
    }

    [Fact]
    public void The_object_for_Kubernetes_has_the_same_groups()
    {
        var text = File.ReadAllText(AlertRule.SourcePath);
        var groups = text[text.IndexOf("groups:", StringComparison.Ordinal)..].TrimEnd('\n').Split('\n');
        Renewal.Check(ObjectPath, ObjectHead + string.Concat(groups.Select(line => $"  {line}\n")));
    }

    [GeneratedRegex("- alertname: ")]
    private static partial Regex Case();

    [GeneratedRegex(@"dashboard_path: /d/([\w-]+)/[\w-]+\?viewPanel=(\d+)")]
    private static partial Regex Link();
}
