using System.Text.Json;

namespace FlEvents.Observability.Tests;

public class DashboardTests
{
    private const int Columns = 24;

    public static TheoryData<string> Names => [.. Dashboards.All.Select(dashboard => dashboard.Name)];

    [Fact]
    public void There_is_one_for_training_one_for_privacy_and_one_for_messaging()
    {
        Assert.Equal(["messaging", "privacy", "training"], Dashboards.All.Select(dashboard => dashboard.Name));
        Assert.All(Dashboards.All, dashboard => Assert.Equal($"flevents-{dashboard.Name}", dashboard.Json.GetProperty("uid").GetString()));
    }

    [Theory, MemberData(nameof(Names))]
    public void Panels_have_ids_of_their_own_and_do_not_overlap(string name)
    {
        var panels = Find(name).Panels;
        Assert.Equal(panels.Count, panels.Select(panel => panel.Id).Distinct().Count());
        Assert.Equal(panels.Count, panels.Select(panel => panel.Title).Distinct().Count());
        var taken = new HashSet<(int, int)>();
        foreach (var panel in panels)
        {
            var (x, y, w, h) = (Of(panel, "x"), Of(panel, "y"), Of(panel, "w"), Of(panel, "h"));
            Assert.True(x >= 0 && w > 0 && h > 0 && x + w <= Columns, $"{panel.Title} is outside.");
            foreach (var cell in from column in Enumerable.Range(x, w) from row in Enumerable.Range(y, h) select (column, row))
            {
                Assert.True(taken.Add(cell), $"{panel.Title} lies on another panel.");
            }
        }

        static int Of(Panel panel, string side) => panel.Json.GetProperty("gridPos").GetProperty(side).GetInt32();
    }

    [Theory, MemberData(nameof(Names))]
    public void Every_panel_has_a_unit_a_sentence_and_queries_with_references_of_their_own(string name) => Assert.All(Find(name).Panels, panel =>
    {
        Assert.False(string.IsNullOrEmpty(panel.Json.GetProperty("fieldConfig").GetProperty("defaults").GetProperty("unit").GetString()), panel.Title);
        Assert.EndsWith(".", panel.Json.GetProperty("description").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(panel.Queries);
        var references = panel.Json.GetProperty("targets").EnumerateArray().Select(target => target.GetProperty("refId").GetString()).ToList();
        Assert.Equal(references.Count, references.Distinct().Count());
    });

    [Theory, MemberData(nameof(Names))]
    public void The_data_source_is_a_variable_and_run_and_client_are(string name)
    {
        var dashboard = Find(name);
        var variables = dashboard.Json.GetProperty("templating").GetProperty("list").EnumerateArray().ToDictionary(variable => variable.GetProperty("name").GetString()!);
        Assert.Equal(["client", "datasource", "run"], variables.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("datasource", variables["datasource"].GetProperty("type").GetString());
        IEnumerable<JsonElement> users = [.. dashboard.Panels.Select(panel => panel.Json), variables["run"], variables["client"]];
        Assert.All(users, user => Assert.Equal("${datasource}", user.GetProperty("datasource").GetProperty("uid").GetString()));
    }

    [Theory, MemberData(nameof(Names))]
    public void Every_query_asks_for_metrics_that_exist(string name)
    {
        var known = Instruments.All.Select(instrument => instrument.Name).Append(Dashboards.InBroker).ToHashSet(StringComparer.Ordinal);
        var dashboard = Find(name);
        Assert.All(dashboard.Panels.SelectMany(panel => panel.Queries), query =>
        {
            var asked = Dashboards.MetricsIn(query).ToList();
            Assert.NotEmpty(asked);
            Assert.All(asked, metric => Assert.Contains(metric, known));
        });
        Assert.All(dashboard.Variables, variable => Assert.Contains(variable.Metric, known));
    }

    private static Dashboard Find(string name) => Dashboards.All.Single(dashboard => dashboard.Name == name);
}
