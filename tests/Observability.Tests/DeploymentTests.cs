using System.Text.Json;
using System.Text.RegularExpressions;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;

namespace FlEvents.Observability.Tests;

/// <summary>What people who run the services see of them, through a real Prometheus.</summary>
public sealed partial class DeploymentTests(Observed observed) : IClassFixture<Observed>
{
    /// <summary>Metrics that may name a client: what the ledger says of its budgets.</summary>
    private static readonly string[] OfClients = ["fl_privacy_budget_left_ratio", "fl_privacy_epsilon_budget", "fl_privacy_epsilon_spent", "fl_privacy_rounds_left"];

    [Fact]
    public async Task Promtool_finds_nothing_to_say_against_any_service_s_metrics()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, scrape) in observed.AtTheEnd)
        {
            await File.WriteAllTextAsync(folder.File(name), scrape.Text);
            await PrometheusTools.CheckAsync(["check", "metrics"], folder.File(name));
        }
    }

    [Fact]
    public async Task Every_query_of_every_dashboard_returns_data()
    {
        List<string> empty = [];

        // A rate needs two readings, which Prometheus takes when it does.
        await Task.WhenAny(Eventually.HoldsAsync("every query has data", async () =>
        {
            empty.Clear();
            foreach (var (panel, query) in Dashboards.All.SelectMany(dashboard => dashboard.Panels).SelectMany(panel => panel.Queries.Select(query => (panel, query))))
            {
                if ((await observed.Prometheus.QueryAsync(Dashboards.Filled(query))).Count == 0)
                {
                    empty.Add($"{panel.Title}: {query}");
                }
            }

            return empty.Count == 0;
        }));
        Assert.Empty(empty);
    }

    [Fact]
    public async Task Every_variable_of_every_dashboard_has_values()
    {
        foreach (var (metric, label) in Dashboards.All.SelectMany(dashboard => dashboard.Variables))
        {
            Assert.NotEmpty(await observed.Prometheus.QueryAsync($"{metric}{{{label}!=\"\"}}"));
        }
    }

    [Fact]
    public async Task Every_alert_s_expression_without_its_comparisons_returns_data()
    {
        List<string> empty = [];
        foreach (var alert in AlertRule.All)
        {
            if ((await observed.Prometheus.QueryAsync(alert.WithoutComparisons)).Count == 0)
            {
                empty.Add($"{alert.Name}: {alert.WithoutComparisons}");
            }
        }

        Assert.Empty(empty);
    }

    [Fact]
    public async Task The_autoscaler_s_query_counts_the_tasks_of_the_run_that_is_under_way()
    {
        var text = await File.ReadAllTextAsync(Repository.File("k8s", "overlays", "production", "autoscaler.yaml"));
        var query = Query().Match(text).Groups[1].Value;

        // Two workers with a slot each train, two tasks wait: four slots would have work, which KEDA divides by the threshold.
        Assert.Equal(TinyRun.Clients, (await observed.Prometheus.QueryAsync(query)).Single().Value);
    }

    [Fact]
    public async Task The_privacy_panels_show_the_ledger_s_own_numbers()
    {
        await Eventually.HoldsAsync("the last charges are measured and scraped", IsScrapedAsync);
        var left = await observed.Prometheus.QueryAsync("fl_privacy_budget_left_ratio");
        Assert.Equal(TinyRun.Clients, left.Count);
        foreach (var (labels, value) in left)
        {
            var (ledger, unit) = await UnitAsync(labels);
            var budget = unit.GetProperty("budget");
            Assert.Equal(budget.GetProperty("left").GetDouble(), value, 12);
            Assert.Equal(budget.GetProperty("spentEpsilon").GetDouble(), await OnlyAsync("fl_privacy_epsilon_spent", labels), 12);
            Assert.Equal(budget.GetProperty("epsilon").GetDouble(), await OnlyAsync("fl_privacy_epsilon_budget", labels), 12);

            // Every private round so far had the same charge, which is the mean: the forecast of that charge is the number of rounds left.
            var forecast = await observed.ForecastAsync(labels["client"], "client", noiseMultiplier: Observed.NoiseMultiplier);
            Assert.Equal(
                forecast.EnumerateArray().Single(view => view.GetProperty("ledgerId").GetGuid() == ledger).GetProperty("tasksLeft").GetInt64(),
                await OnlyAsync("fl_privacy_rounds_left", labels));
        }

        var head = await observed.HeadAsync();
        Assert.Equal(head, (await observed.Prometheus.QueryAsync("max(fl_ledger_head_sequence)")).Single().Value);
        Assert.True((await observed.Prometheus.QueryAsync("sum(fl_budget_refusals_total)")).Single().Value >= TinyRun.Clients);
    }

    [Fact]
    public void A_private_run_adds_nothing_to_what_is_computed_from_clients_data()
    {
        foreach (var worker in observed.BeforePrivacy.Keys.Where(name => name.StartsWith("worker", StringComparison.Ordinal)))
        {
            string[] fromData = ["fl_training_examples_total", "fl_training_duration_seconds_count", "fl_training_duration_seconds_sum", "fl_training_duration_seconds_bucket"];
            Assert.Equal(observed.BeforePrivacy[worker].Of(fromData), observed.AfterPrivacy[worker].Of(fromData));
        }

        var orchestrator = observed.AtTheEnd[Deployment.Orchestrator];
        Assert.Contains($"fl_model_accuracy{{run=\"{observed.PublicRun}\",data=\"clients\"}}", orchestrator.Series.Keys);
        Assert.Contains($"fl_model_accuracy{{run=\"{observed.PrivateRun}\",data=\"held_out\"}}", orchestrator.Series.Keys);
        Assert.DoesNotContain(orchestrator.Series.Keys, key => key.Contains(observed.PrivateRun.ToString(), StringComparison.Ordinal) && key.Contains("data=\"clients\"", StringComparison.Ordinal));
    }

    [Fact]
    public void Only_the_ledger_s_own_numbers_name_a_client()
    {
        Assert.Equal(OfClients, observed.AtTheEnd[Deployment.Accountant].NamesWith("client").Order(StringComparer.Ordinal));
        Assert.All(observed.AtTheEnd.Where(service => service.Key != Deployment.Accountant), service =>
        {
            Assert.Empty(service.Value.NamesWith("client"));
            Assert.DoesNotContain("client-0", service.Value.Text, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task One_trace_follows_a_round_through_all_four_services()
    {
        foreach (var run in new[] { observed.PublicRun, observed.PrivateRun })
        {
            var round = observed.FirstRound(run);
            foreach (var service in new[] { "FlEvents.Orchestrator", "FlEvents.PrivacyAccountant", "FlEvents.ClientWorker", "FlEvents.Aggregator" })
            {
                await Eventually.HoldsAsync($"{service} has sent a span of round {round}", () => observed.Receiver.HasSpan(service, round));
            }
        }
    }

    [Fact]
    public async Task Metrics_go_out_over_OTLP_too()
    {
        await Eventually.HoldsAsync("the ledger's head is sent", () => observed.Receiver.HasMetric("FlEvents.PrivacyAccountant", "fl_ledger_head_sequence"));
        await Eventually.HoldsAsync("rounds are sent", () => observed.Receiver.HasMetric("FlEvents.Orchestrator", "fl_round_duration_seconds"));
    }

    [GeneratedRegex(@"query: >-\n([^#]*)")]
    private static partial Regex Query();

    private async Task<bool> IsScrapedAsync()
    {
        foreach (var (labels, value) in await observed.Prometheus.QueryAsync("fl_privacy_budget_left_ratio"))
        {
            var (_, unit) = await UnitAsync(labels);
            if (Math.Abs(unit.GetProperty("budget").GetProperty("left").GetDouble() - value) > 1e-12)
            {
                return false;
            }
        }

        return true;
    }

    private async Task<double> OnlyAsync(string metric, IReadOnlyDictionary<string, string> labels) =>
        (await observed.Prometheus.QueryAsync($"{metric}{{ledger=\"{labels["ledger"]}\",unit=\"{labels["unit"]}\"}}")).Single().Value;

    private async Task<(Guid Ledger, JsonElement Unit)> UnitAsync(IReadOnlyDictionary<string, string> labels)
    {
        var ledger = (await observed.LedgersAsync(labels["client"])).GetProperty("ledgers").EnumerateArray()
            .Single(view => view.GetProperty("ledgerId").GetString() == labels["ledger"]);
        return (ledger.GetProperty("ledgerId").GetGuid(), ledger.GetProperty("units").EnumerateArray().Single(unit => unit.GetProperty("unit").GetString() == labels["unit"]));
    }
}
