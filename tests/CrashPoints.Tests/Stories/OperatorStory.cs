using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.ClientWorker;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FlEvents.CrashPoints.Tests.Stories;

/// <summary>
/// What else may be written: a run that no round comes of, one that can't be scored, a budget, messages in quarantine, a client that leaves, and what is
/// done once an hour. Here alone callers show keys, so that one of them can be refused.
/// </summary>
internal sealed class OperatorStory() : ApiStory("operator")
{
    private static readonly (string Service, string Queue)[] Queues =
        [("orchestrator", Routes.Orchestrator), ("aggregator", Routes.Aggregator), ("privacy-accountant", Routes.PrivacyAccountant), ("client-worker", Routes.Pool("client"))];

    private const string Operator = "fle_operator";
    private const string Looker = "fle_looker";

    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<Life, IBus> _buses = [];

    // A death between a message and the note that it was sent brings a second one.
    protected override string[] MayBeQuarantined => [nameof(ClientEnrolled)];

    public override void Adjust(IServiceCollection services, Life life)
    {
        base.Adjust(services, life);
        services.AddSingleton<TimeProvider, QuickHours>();
        services.PostConfigure<ClientWorkerOptions>(options => options.ApiKey = Operator);
        services.PostConfigure<SecurityOptions>(options =>
        {
            options.ApiKeys["operator"] = new ApiKeyOptions { Sha256 = ApiKey.Hash(Operator), Scopes = string.Join(' ', Scopes.All) };
            options.ApiKeys["looker"] = new ApiKeyOptions { Sha256 = ApiKey.Hash(Looker), Scopes = Scopes.RunsRead };
        });
        services.AddSingleton<IHostedService>(provider =>
        {
            _buses.AddOrUpdate(life, provider.GetRequiredService<IBus>());
            return new Nothing();
        });
    }

    protected override async Task<bool> TellAsync(HttpClient http, Life life)
    {
        ApiKey.Show(http, Operator);
        await EnrolledAsync(http, life);
        using var looker = ApiKey.Show(new HttpClient { BaseAddress = http.BaseAddress, Timeout = Product.Patience }, Looker);
        using var refused = await looker.DeleteAsync(new Uri("clients/client-000000", UriKind.Relative), life.Died);
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, refused.StatusCode);
        var idle = await CreateAsync(http, "idle", "selection.minimumClients=9", "selection.minimumReports=9");
        await EndAsync(http, await CreateAsync(http, "unscored", "evaluation.dataSet=digits-test", "model.outputs=5"));
        await SetBudgetAsync(http);
        foreach (var (service, queue) in Queues)
        {
            await QuarantineAsync(http, life, service, queue);
        }

        if (life.Number == 1)
        {
            await life.CameToAsync("the clock has looked at the idle run", () => life.Count("orchestrator.commit.after TickAsync") > 0);
            await life.CameToAsync("old messages were looked for", () => Queues.All(own => life.Count($"{own.Service}.commit.after DeleteOldMessages") > 0));
        }

        await new RunsApi(http).PostAsync(idle, "stop");
        await EndAsync(http, idle);
        using var answer = await http.DeleteAsync(new Uri("clients/client-000001", UriKind.Relative));
        await life.CameToAsync("the Aggregator knows that the client has left", () => life.Count("aggregator.ack.after ClientLeft") > 0);
        await life.HeardOfEndsAsync(runs: 2);
        return true;
    }

    private static async Task SetBudgetAsync(HttpClient http)
    {
        var ledger = new LedgerIdentity { Owner = "north", DataSet = "cases", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 };
        using var answer = await http.PutAsJsonAsync("ledger/budgets", new { ledger, unit = "client", epsilon = 8, delta = 1e-5 });
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Puts a message aside that nobody takes, sends it to its queue again, where the same happens, and discards it.</summary>
    private async Task QuarantineAsync(HttpClient http, Life life, string service, string queue)
    {
        var (isReplayed, isDone) = (Path.Combine(life.Folder, $"{service}-replayed"), Path.Combine(life.Folder, $"{service}-done"));
        if (File.Exists(isDone))
        {
            return;
        }

        if (!File.Exists(isReplayed))
        {
            if ((await ListAsync(http, life, service)).Count == 0)
            {
                var endpoint = await _buses.GetValue(life, _ => throw new InvalidOperationException("The bus is not there.")).GetSendEndpoint(new Uri($"exchange:{queue}"));
                await endpoint.Send(new ClientEnrolled { WorkerId = "nobody", ClientIds = [], Refused = [] });
            }

            using var replay = await http.PostAsync(new Uri($"quarantine/{service}/{await QuarantinedAsync(http, life, service)}/replay", UriKind.Relative), content: null);
            replay.EnsureSuccessStatusCode();
            await File.WriteAllTextAsync(isReplayed, "");
        }

        using var discard = await http.DeleteAsync(new Uri($"quarantine/{service}/{await QuarantinedAsync(http, life, service)}", UriKind.Relative));
        discard.EnsureSuccessStatusCode();
        await File.WriteAllTextAsync(isDone, "");
    }

    private static async Task<long> QuarantinedAsync(HttpClient http, Life life, string service)
    {
        List<long> found = [];
        await Eventually.HoldsAsync($"{service} has put a message aside", async () => life.HasDied || (found = await ListAsync(http, life, service)).Count > 0);
        life.Died.ThrowIfCancellationRequested();
        return found[0];
    }

    private static async Task<List<long>> ListAsync(HttpClient http, Life life, string service) =>
    [
        .. (await http.GetFromJsonAsync<JsonElement>("quarantine", life.Died)).EnumerateArray()
            .Where(message => message.GetProperty("service").GetString() == service)
            .Select(message => message.GetProperty("id").GetInt64()),
    ];

    /// <summary>The system's clock, but that what repeats every hour does so at once.</summary>
    private sealed class QuickHours : TimeProvider
    {
        private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
        private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            period == Hour ? base.CreateTimer(callback, state, Soon, Soon) : base.CreateTimer(callback, state, dueTime, period);
    }

    private sealed class Nothing : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
