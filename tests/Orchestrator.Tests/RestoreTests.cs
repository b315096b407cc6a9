using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.Testing;
using static FlEvents.Orchestrator.Tests.Rounds.Messages;

namespace FlEvents.Orchestrator.Tests;

/// <summary>The Orchestrator when its own state, or another service's, was put back from a backup.</summary>
public sealed class RestoreTests : IAsyncDisposable
{
    private const string ClientA = "ward-000000", ClientB = "ward-000001", ClientC = "ward-000002";
    private static readonly string[] Clients = [ClientA, ClientB, ClientC];

    private readonly TemporaryFolder _folder = new();
    private OrchestratorHost _host = null!;
    private Guid _runId;
    private long _sequence;

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_request_for_charges_carries_the_newest_receipt_and_a_commit_the_number_of_clients_that_were_charged()
    {
        var (first, answer) = await ReservedAsync();
        Assert.Null(first.LastReceipt);

        await EndRoundAsync();
        var second = await _host.NextAsync<ReserveBudget>();

        Assert.Equal((2, answer.Receipt), (second.Round, second.LastReceipt));
        Assert.Equal(2, (await _host.NextAsync<CommitBudget>()).Charged);
    }

    [Fact]
    public async Task What_the_ledger_charged_is_told_to_it_page_by_page_with_the_clients_that_it_said_and_the_receipts_it_gave()
    {
        var (request, answer) = await ReservedAsync();
        await EndRoundAsync();
        var waiting = await _host.NextAsync<ReserveBudget>();

        var page = await AskAsync(after: 0, cursor: 0);
        Assert.Equal((LedgerReporterName, page.NextCursor), (page.Service, (await AskAsync(after: 0, cursor: 0)).NextCursor));
        Assert.Equal((_runId, request.RoundId, 1, 1), (page.RunId!.Value, page.RoundId!.Value, page.Round!.Value, page.Attempt!.Value));
        Assert.Equivalent(request.Clients.Where(client => client.ClientId != ClientC), page.Clients, strict: true);
        Assert.Equal([answer.Receipt!], page.Receipts);
        Assert.Null(page.KnownSince);

        // The last page says that there is no more. What it was not asked about is not told.
        var end = await AskAsync(after: 0, page.NextCursor!.Value);
        Assert.Equal((null, 0, 0), (end.NextCursor, end.Clients.Count, end.Receipts.Count));
        Assert.Null((await AskAsync(after: answer.Receipt!.Sequence, cursor: 0)).NextCursor);

        // What it may have lost with its answer is asked again, with the receipt it goes on from; so are commits.
        var again = await _host.NextAsync<ReserveBudget>();
        Assert.Equal((waiting.RoundId, Quarantine), (again.RoundId, again.LastReceipt));
        Assert.Equivalent(waiting.Clients, again.Clients, strict: true);
        Assert.Contains(_host.Sent<CommitBudget>(), commit => commit is { Round: 1, Charged: 2, ModelSha256: null });
    }

    [Fact]
    public async Task A_restored_orchestrator_ends_its_runs_gives_nothing_back_and_hands_out_no_work()
    {
        // No worker has a free slot yet: every task waits, and a round that ends here would give each of their charges back.
        var (_, answer) = await ReservedAsync(slots: 0);
        await StateAsync(MemberState.Waiting, 2);
        await RestartFromBackupAsync();

        var completed = await _host.NextAsync<RunCompleted>();
        Assert.Equal((_runId, RunOutcome.Abandoned), (completed.RunId, completed.Outcome));
        Assert.Contains("restored from a backup", completed.Reason, StringComparison.Ordinal);
        var commit = await _host.NextAsync<CommitBudget>();
        Assert.Equal((1, 2), (commit.Round, commit.Charged));
        Assert.Equal("RESTORED", (await _host.NextAsync<RoundAbandoned>()).ReasonCode);

        await HeartbeatAsync(slots: 4);
        var taken = Taken();
        await _host.SendAsync(answer);
        await _host.SendAsync(new RoundAggregated { RunId = _runId, RoundId = answer.RoundId, Round = 1, Model = Blob('c'), UpdatesAdmitted = 2, Receipt = Quarantine, Evaluation = null, ClipNorm = null });
        await EventuallyAsync(() => Taken() >= taken + 2);
        Assert.Empty(_host.Sent<RefundBudget>());
        Assert.Empty(_host.Sent<TrainClient>());
        Assert.Equal("abandoned", (await RunAsync()).GetProperty("state").GetString());
        Assert.NotNull((await AskAsync(after: 0, cursor: 0)).KnownSince);
    }

    [Fact]
    public async Task A_request_that_was_not_sent_when_the_backup_was_taken_is_not_sent_by_the_restored_one()
    {
        await StartRunAsync();
        var request = await _host.NextAsync<ReserveBudget>();
        await _host.Database.WriteAsync(transaction => transaction.Execute("update outbox set sent_at = null"), CancellationToken.None);
        await RestartFromBackupAsync();

        await _host.NextAsync<RunCompleted>();
        Assert.Empty(_host.Sent<ReserveBudget>());
        Assert.Equal(RoundState.Abandoned, _host.Database.Read(transaction => RoundStore.Find(transaction, request.RoundId))!.State);
    }

    [Fact]
    public async Task When_the_aggregator_was_restored_open_rounds_are_given_up_with_their_charges_and_runs_go_on_with_the_next()
    {
        var (request, _) = await ReservedAsync();
        await StateAsync(MemberState.Dispatched, 2);

        await _host.SendAsync(new ServiceRestored { Service = "aggregator", SnapshotId = Guid.NewGuid(), TakenAt = Start });

        var abandoned = await _host.NextAsync<RoundAbandoned>();
        Assert.Equal((request.RoundId, "AGGREGATOR_RESTORED"), (abandoned.RoundId, abandoned.ReasonCode));
        Assert.Equal(2, (await _host.NextAsync<CommitBudget>()).Charged);
        Assert.Empty(_host.Sent<RefundBudget>());
        Assert.Equal(2, (await _host.NextAsync<ReserveBudget>()).Round);
        Assert.Equal([_runId, _runId], _host.Sent<CreateModel>().Select(create => create.RunId));
    }

    [Fact]
    public async Task A_round_that_waits_for_the_ledger_is_not_given_up_for_a_restored_aggregator_and_other_services_restores_change_nothing()
    {
        await StartRunAsync();
        var request = await _host.NextAsync<ReserveBudget>();
        await _host.SendAsync(new ServiceRestored { Service = "aggregator", SnapshotId = Guid.NewGuid(), TakenAt = Start });
        await _host.SendAsync(new ServiceRestored { Service = "client-worker", SnapshotId = Guid.NewGuid(), TakenAt = Start });
        await EventuallyAsync(() => _host.Sent<CreateModel>().Count == 2);

        Assert.Equal(RoundState.Planned, _host.Database.Read(transaction => RoundStore.Find(transaction, request.RoundId))!.State);
    }

    private const string LedgerReporterName = "orchestrator";

    private static LedgerReceipt Quarantine { get; } = new() { Sequence = 90, Hash = new string('9', 64) };

    /// <summary>Starts a run of three clients; the ledger charges two of them and refuses the third.</summary>
    private async Task<(ReserveBudget Request, BudgetReserved Answer)> ReservedAsync(int slots = 4)
    {
        await StartRunAsync(slots);
        var request = await _host.NextAsync<ReserveBudget>();
        _sequence += 4;
        var answer = new BudgetReserved
        {
            RunId = request.RunId,
            RoundId = request.RoundId,
            Round = request.Round,
            Attempt = 1,
            ClientIds = [ClientA, ClientB],
            Receipt = new LedgerReceipt { Sequence = _sequence, Hash = new string('4', 64) },
        };
        await _host.SendAsync(answer);
        await _host.SendAsync(new BudgetRefused
        {
            RunId = request.RunId,
            RoundId = request.RoundId,
            Round = request.Round,
            Attempt = 1,
            Refused = [new ClientRefusal { ClientId = ClientC, ReasonCode = BudgetRefusalCode.Conflict, Detail = "…" }],
        });
        await EventuallyAsync(() => _host.Sent<OpenRound>().Count == 1);
        return (request, answer);
    }

    private async Task StartRunAsync(int slots = 4)
    {
        _host = await OrchestratorHost.StartAsync(_folder.Path);
        await _host.SendAsync(new EnrollClient
        {
            WorkerId = "worker-a",
            Pool = "ward",
            Clients = [.. Clients.Select((client, index) => new ClientProfile
            {
                ClientId = client,
                DataSets = [new ClientDataSet { ExampleCount = 50, Ledger = new LedgerIdentity { Owner = "ward", DataSet = "digits", PartitionRule = "iid/3", PartitionSeed = 1, PartitionIndex = index } }],
            })],
        });
        await HeartbeatAsync(slots);
        using var created = await _host.Http.PostAsJsonAsync("runs", Spec with { Selection = new SelectionSpec { MinimumClients = 2, MinimumReports = 2, MaximumAbandonedRounds = 3 } });
        Assert.True(created.IsSuccessStatusCode, await created.Content.ReadAsStringAsync());
        _runId = (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("runId").GetGuid();
        await _host.NextAsync<CreateModel>();
        await _host.SendAsync(new ModelPublished { RunId = _runId, Version = 0, Model = Blob('b'), ParameterCount = 10, Receipt = null });
    }

    private Task HeartbeatAsync(int slots) => _host.SendAsync(new WorkerHeartbeat { WorkerId = "worker-a", Pool = "ward", ClientId = null, Slots = slots, Running = 0 });

    // Every task fails: nothing is in the book, and the Aggregator says so.
    private async Task EndRoundAsync()
    {
        foreach (var _ in new[] { 1, 2 })
        {
            var task = await _host.NextAsync<TrainClient>();
            await _host.SendAsync(new TrainingInterrupted
            {
                RunId = task.RunId,
                RoundId = task.RoundId,
                Round = task.Round,
                ClientId = task.ClientId,
                ReservationId = task.ReservationId,
                LeaseNumber = 1,
                ReasonCode = "FAILED",
                Detail = "…",
            });
        }

        var closing = await _host.NextAsync<AggregateRound>();
        await _host.SendAsync(new RoundAbandoned { RunId = closing.RunId, RoundId = closing.RoundId, Round = closing.Round, ReasonCode = "TOO_FEW_REPORTS", Detail = "…" });
    }

    private async Task<LedgerReport> AskAsync(long after, long cursor)
    {
        await _host.SendAsync(new ReconcileLedger { Quarantine = Quarantine, AfterSequence = after, Since = DateTimeOffset.MinValue, Cursor = cursor });
        return await _host.NextAsync<LedgerReport>();
    }

    private async Task RestartFromBackupAsync()
    {
        var backup = await _host.Http.GetByteArrayAsync("backup/orchestrator");
        var path = _host.Database.FilePath;
        await _host.DisposeAsync();
        await File.WriteAllBytesAsync(path, backup);
        _host = await OrchestratorHost.StartAsync(_folder.Path);
    }

    private int Taken() => _host.Database.Read(transaction => transaction.Scalar<int>("select count(*) from inbox where endpoint = 'fl-orchestrator'"));

    private async Task<JsonElement> RunAsync() => await _host.Http.GetFromJsonAsync<JsonElement>($"runs/{_runId}");

    private Task StateAsync(MemberState state, int count) => EventuallyAsync(() =>
        _host.Database.Read(transaction => transaction.Scalar<int>("select count(*) from member where state = @state", new { state = state.ToString() })) == count);

    private static async Task EventuallyAsync(Func<bool> holds)
    {
        using var hung = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!holds())
        {
            await Task.Delay(5, hung.Token);
        }
    }
}
