using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Testing;

namespace FlEvents.Observability.Tests;

/// <summary>What is told after a start: the same as before it.</summary>
public sealed class RestartTests : IDisposable
{
    private const string MostAccounts = "PrivacyAccountant__MetricAccounts";

    private static readonly string[] Central =
    [
        "training.validationFraction=0", "evaluation.federated=false", "privacy.mode=central", "privacy.central.clipNorm=1", "privacy.central.noiseMultiplier=4", "selection.count=4",
    ];

    private static readonly string[] Kept =
    [
        "fl_runs", "fl_run_info", "fl_run_round", "fl_run_rounds_planned", "fl_model_loss", "fl_model_accuracy", "fl_rounds_open", "fl_training_tasks_waiting", "fl_training_tasks_leased",
        "fl_privacy_epsilon_spent", "fl_privacy_epsilon_budget", "fl_privacy_budget_left_ratio", "fl_privacy_rounds_left", "fl_privacy_accounts", "fl_privacy_accounts_left",
        "fl_privacy_accounts_unbounded", "fl_ledger_head_sequence", "fl_ledger_quarantined", "fl_ledger_charges_reserved", "fl_quarantine_messages", "fl_books_unfinished",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Gauges_are_the_same_after_a_restart_and_too_many_accounts_are_told_as_a_distribution()
    {
        var before = (await ScrapeAsync(run: true)).Of(Kept);
        Assert.Equal(Kept.Order(StringComparer.Ordinal), before.Keys.Select(key => key.Split('{')[0]).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(before, (await ScrapeAsync(run: false)).Of(Kept));

        Environment.SetEnvironmentVariable(MostAccounts, "3");
        try
        {
            // Four clients in two units are eight accounts; those with a budget come first, the least left before the others.
            var few = await ScrapeAsync(run: false);
            string[] counted = ["fl_privacy_accounts", "fl_privacy_accounts_left", "fl_privacy_accounts_unbounded"];
            Assert.Equal(before.Where(series => counted.Contains(series.Key.Split('{')[0])).ToDictionary(), few.Of(counted));
            var left = before.Where(series => series.Key.StartsWith("fl_privacy_budget_left_ratio", StringComparison.Ordinal)).OrderBy(series => series.Value).Take(3);
            Assert.Equal(left.ToDictionary(), few.Of("fl_privacy_budget_left_ratio"));
        }
        finally
        {
            Environment.SetEnvironmentVariable(MostAccounts, null);
        }
    }

    private async Task<Scrape> ScrapeAsync(bool run)
    {
        using var late = new CancellationTokenSource(Product.Patience);
        await using var federation = await Federation.StartAsync(TinyRun.Read(Central), _folder.Path, Transport.Memory, "http://127.0.0.1:0", late.Token);
        if (run)
        {
            await foreach (var _ in federation.RunAsync(late.Token))
            {
                // To its end.
            }

            using var http = new HttpClient { BaseAddress = new Uri(federation.Url), Timeout = Product.Patience };
            var clients = await http.GetFromJsonAsync<JsonElement>(new Uri("clients", UriKind.Relative), late.Token);
            foreach (var (client, i) in clients.EnumerateArray().Select((client, i) => (client.GetProperty("clientId").GetString(), i)))
            {
                var view = await http.GetFromJsonAsync<JsonElement>(new Uri($"ledger/clients/{client}", UriKind.Relative), late.Token);
                var request = new { ledger = view.GetProperty("ledgers")[0].GetProperty("ledger"), unit = "client", epsilon = 4.0 + i, delta = 1e-5 };
                using var response = await http.PutAsJsonAsync(new Uri("ledger/budgets", UriKind.Relative), request, late.Token);
                Assert.True(response.IsSuccessStatusCode);
            }
        }

        // What was asked for a moment ago is kept for a second.
        var spent = new List<Scrape>();
        await Eventually.HoldsAsync("two looks are the same", async () =>
        {
            spent.Add(await ReadAsync(federation));
            await Task.Delay(TimeSpan.FromSeconds(1.1), late.Token);
            return spent.Count > 1 && spent[^1].Of(Kept).OrderBy(series => series.Key, StringComparer.Ordinal).SequenceEqual(spent[^2].Of(Kept).OrderBy(series => series.Key, StringComparer.Ordinal));
        });
        return spent[^1];
    }

    private static async Task<Scrape> ReadAsync(Federation federation)
    {
        using var http = new HttpClient { Timeout = Product.Patience };
        return new Scrape(await http.GetStringAsync(new Uri($"{federation.Url}/metrics")));
    }
}
