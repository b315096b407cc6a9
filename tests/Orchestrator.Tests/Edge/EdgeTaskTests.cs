using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Edge;
using FlEvents.Testing;

namespace FlEvents.Orchestrator.Tests.Edge;

/// <summary>A round with clients that come over HTTPS, against a ledger and an Aggregator that only listen.</summary>
public sealed class EdgeTaskTests : IAsyncLifetime
{
    private static readonly BlobRef Base = new() { Sha256 = new string('b', 64), SizeBytes = 100 };
    private static readonly BlobRef Update = new() { Sha256 = new string('c', 64), SizeBytes = 100 };
    private readonly TemporaryFolder _folder = new();
    private OrchestratorHost _host = null!;
    private EdgeClient _mary = null!;
    private EdgeClient _john = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await OrchestratorHost.StartAsync(_folder.Path);
        _mary = new EdgeClient(_host.Http, "st-mary");
        _john = new EdgeClient(_host.Http, "st-john");
        await _mary.JoinAsync("trust");
        await _john.JoinAsync("order");
        await _mary.TasksAsync();
        await _john.TasksAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _mary.Dispose();
        _john.Dispose();
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_task_is_charged_to_the_owner_fetched_accepted_and_its_update_announced_to_the_aggregator()
    {
        var (runId, roundId) = await PlanAsync();
        var task = await FetchAsync(_mary);
        Assert.Equal((EdgeTaskState.Dispatched, "", runId, roundId, "st-mary"), (task.State, task.Task.LeaseToken, task.Task.RunId, task.Task.RoundId, task.Task.ClientId));

        var accepted = await AcceptAsync(_mary, roundId);
        var member = (await _host.NextAsync<OpenRound>()).Members.Single(found => found.ClientId == "st-mary");
        Assert.Equal(EdgeTaskState.Accepted, accepted.State);
        Assert.Equal(member.LeaseTokenSha256, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(accepted.Task.LeaseToken))));
        Assert.Equal(_mary.KeySha256, member.KeySha256);

        // As after a restart of the client: the task and its token are still there.
        Assert.Equal(accepted.Task.LeaseToken, Assert.Single((await _mary.TasksAsync()).Tasks).Task.LeaseToken);
        Assert.Equal(200, await StatusAsync(_mary.AskAsync($"edge/tasks/{roundId}/renew", new { leaseNumber = 1 })));
        Assert.Equal(202, await StatusAsync(_mary.AskAsync($"edge/tasks/{roundId}/submit", Submission())));
        var submitted = Assert.Single(_host.Sent<UpdateSubmitted>());
        Assert.Equal(
            ("st-mary", roundId, member.ReservationId, accepted.Task.LeaseToken, Base.Sha256, Update, 50),
            (submitted.ClientId, submitted.RoundId, submitted.ReservationId, submitted.LeaseToken, submitted.BaseModelSha256, submitted.Update, submitted.ExampleCount));
        Assert.Equal("nonce", submitted.Signature!.Nonce);
        Assert.Empty(_host.Sent<TrainClient>());
    }

    [Fact]
    public async Task Who_asks_in_a_loop_writes_nothing_and_is_heard_of_again_before_it_counts_as_gone()
    {
        var heard = Heard();
        await _mary.TasksAsync();
        await _mary.TasksAsync();
        Assert.Equal(heard, Heard());

        var timeout = TimeSpan.FromSeconds(new OrchestratorOptions().ClientTimeoutSeconds);
        await _host.Database.WriteAsync(
            transaction => transaction.Execute("update worker set seen_at = @before", new { before = heard - (timeout / 2) }), TestContext.Current.CancellationToken);
        await _mary.TasksAsync();
        Assert.True(Heard() >= heard);

        DateTimeOffset Heard() => _host.Database.Read(transaction => transaction.Scalar<DateTimeOffset>("select seen_at from worker where client_id = 'st-mary'"));
    }

    [Fact]
    public async Task Who_waits_is_told_of_a_task_as_it_comes()
    {
        var waiting = _mary.TasksAsync(wait: 30);
        await PlanAsync();
        Assert.Equal(EdgeTaskState.Dispatched, Assert.Single((await waiting).Tasks).State);
    }

    [Fact]
    public async Task A_client_that_refuses_before_it_is_told_its_token_is_given_its_charge_back_and_later_it_is_not()
    {
        var (_, roundId) = await PlanAsync();
        await FetchAsync(_mary);
        Assert.Equal(204, await StatusAsync(_mary.AskAsync($"edge/tasks/{roundId}/refuse", End("OWNER_POLICY"))));
        Assert.Equal(("st-mary", "REFUSED_BEFORE_LEASE"), (await _host.NextAsync<RefundBudget>()) is var refund ? (refund.ClientId, refund.ReasonCode) : default);
        Assert.Equal(409, await StatusAsync(_mary.AskAsync($"edge/tasks/{roundId}/accept", new { leaseNumber = 1 })));

        await FetchAsync(_john);
        await AcceptAsync(_john, roundId);
        Assert.Equal(409, await StatusAsync(_john.AskAsync($"edge/tasks/{roundId}/refuse", End("OWNER_POLICY"))));
        Assert.Single(_host.Sent<RefundBudget>());
    }

    [Fact]
    public async Task A_client_can_not_name_anothers_task_an_old_lease_or_a_round_that_it_is_not_in()
    {
        var (_, roundId) = await PlanAsync(count: 1);
        var (inside, outside) = _host.Sent<ReserveBudget>()[^1].Clients.Single().ClientId == "st-mary" ? (_mary, _john) : (_john, _mary);
        await AcceptAsync(inside, roundId);
        foreach (var word in new[] { "accept", "renew" })
        {
            Assert.Equal(404, await StatusAsync(outside.AskAsync($"edge/tasks/{roundId}/{word}", new { leaseNumber = 1 })));
            Assert.Equal(409, await StatusAsync(inside.AskAsync($"edge/tasks/{roundId}/{word}", new { leaseNumber = 2 })));
            Assert.Equal(404, await StatusAsync(inside.AskAsync($"edge/tasks/{Guid.NewGuid()}/{word}", new { leaseNumber = 1 })));
        }

        Assert.Equal(404, await StatusAsync(outside.AskAsync($"edge/tasks/{roundId}/submit", Submission())));
        Assert.Equal(404, await StatusAsync(outside.AskAsync($"edge/tasks/{roundId}/interrupt", End("FAILED"))));
        Assert.Equal(404, await StatusAsync(outside.AskAsync($"edge/tasks/{roundId}")));
        Assert.Equal("accepted", (await (await inside.AskAsync($"edge/tasks/{roundId}")).Content.ReadFromJsonAsync<EdgeStatus>(JsonSerializerOptions.Web))!.State);
        Assert.Empty(_host.Sent<UpdateSubmitted>());
    }

    [Theory]
    [InlineData("edge/tasks?wait=31", null)]
    [InlineData("edge/tasks?wait=-1", null)]
    [InlineData("edge/tasks/{0}/refuse", """{ "leaseNumber": 1, "reasonCode": "not a code", "detail": "" }""")]
    [InlineData("edge/tasks/{0}/submit", """{ "leaseNumber": 1, "update": { "sha256": "../x", "sizeBytes": 1 }, "exampleCount": 1, "signature": { "publicKey": "", "exampleCount": 1, "nonce": "", "issuedAt": 1, "value": "" } }""")]
    [InlineData("edge/tasks/{0}/submit", "{}")]
    public async Task What_can_not_be_is_a_bad_request(string path, string? body)
    {
        var (_, roundId) = await PlanAsync();
        Assert.Equal(400, await StatusAsync(_mary.AskAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, path, roundId), body is null ? null : JsonSerializer.Deserialize<JsonElement>(body))));
    }

    private static object End(string reasonCode) => new { leaseNumber = 1, reasonCode, detail = "no" };

    private static object Submission() => new
    {
        leaseNumber = 1,
        update = Update,
        exampleCount = 50,
        signature = new UpdateSignature { PublicKey = "key", ExampleCount = 50, Nonce = "nonce", IssuedAt = 1, Value = "value" },
    };

    // Up to the point where the ledger has charged everyone.
    private async Task<(Guid RunId, Guid RoundId)> PlanAsync(int count = 2)
    {
        var spec = Rounds.Messages.Spec with { Selection = new SelectionSpec { Count = count, MinimumReports = 1 } };
        using var created = await _host.Http.PostAsJsonAsync("runs", spec, JsonSerializerOptions.Web);
        var runId = (await created.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<RunView>(JsonSerializerOptions.Web))!.RunId;
        await _host.SendAsync(new ModelPublished { RunId = runId, Version = 0, Model = Base, ParameterCount = 10, Receipt = null });
        var reserve = await _host.NextAsync<ReserveBudget>();
        Assert.All(reserve.Clients, client => Assert.Equal(client.ClientId == "st-mary" ? ("trust", _mary.KeySha256) : ("order", _john.KeySha256), (client.Ledger.Owner, client.KeySha256)));
        await _host.SendAsync(new BudgetReserved
        {
            RunId = runId,
            RoundId = reserve.RoundId,
            Round = 1,
            Attempt = 1,
            ClientIds = [.. reserve.Clients.Select(client => client.ClientId)],
            Receipt = new LedgerReceipt { Sequence = 1, Hash = new string('1', 64) },
        });
        return (runId, reserve.RoundId);
    }

    private static async Task<EdgeTask> FetchAsync(EdgeClient client) => Assert.Single((await client.TasksAsync(wait: 30)).Tasks);

    private static async Task<EdgeTask> AcceptAsync(EdgeClient client, Guid roundId)
    {
        await FetchAsync(client);
        using var answer = await client.AskAsync($"edge/tasks/{roundId}/accept", new { leaseNumber = 1 });
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<EdgeTask>(JsonSerializerOptions.Web))!;
    }

    private static async Task<int> StatusAsync(Task<HttpResponseMessage> asked)
    {
        using var answer = await asked;
        return (int)answer.StatusCode;
    }
}
