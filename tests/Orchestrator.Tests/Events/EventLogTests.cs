using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Events;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using static FlEvents.Orchestrator.Tests.Rounds.Messages;

namespace FlEvents.Orchestrator.Tests.Events;

public sealed class EventLogTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new(Start);
    private readonly OrchestratorMetrics _metrics = new();
    private OrchestratorDatabase? _opened;

    public async ValueTask DisposeAsync()
    {
        if (_opened is not null)
        {
            await _opened.DisposeAsync();
        }

        _metrics.Dispose();
        _folder.Dispose();
    }

    private string File => _folder.File("orchestrator.db");

    private OrchestratorDatabase Database => _opened ??= new OrchestratorDatabase(
        new DatabaseSettings { Name = "orchestrator", Path = File, Synced = false, Schema = typeof(RoundStore).Assembly }, _time, NullLogger<Database>.Instance);

    private RoundTransactions Rounds => new(Database, new OrchestratorOptions(), new ProgressSignals(), new EdgeSignals(), _metrics);

    [Fact]
    public async Task Creating_a_run_writes_the_first_record_and_the_same_request_again_none()
    {
        var commands = new RunCommands(Database, Rounds, new ProgressSignals());

        var run = (await commands.CreateAsync(Spec, "key", CancellationToken.None)).Run;
        await commands.CreateAsync(Spec, "key", CancellationToken.None);

        var record = Assert.Single(Log(run.RunId));
        Assert.Equal((1, "CreateModel", HashChain.Empty.Hash), (record.Sequence, record.Type, record.PreviousHash));
        Assert.Equal("2026-01-01T00:00:00.0000000Z", record.At);
        Assert.Equal(JsonSerializer.Serialize(Spec, JsonSerializerOptions.Web), JsonDocument.Parse(record.Body).RootElement.GetProperty("run").GetRawText());
    }

    [Fact]
    public async Task What_is_told_again_is_not_written_again()
    {
        await CreateAsync(RunId);
        var member = Member(Round(2), 0);
        object[] told = [Admitted(member), Aggregated(Round(2)), Admitted(Member(Round(2), 1)), Abandoned(Round(2)), new RunCompleted { RunId = RunId, Outcome = RunOutcome.Stopped, Reason = null, Model = null }];

        foreach (var message in told.Concat(told).Append(Admitted(member) with { UpdateSizeBytes = 7 }))
        {
            await AppendAsync(message);
        }

        Assert.Equal(["CreateModel", "UpdateAdmitted", "RoundAggregated", "UpdateAdmitted", "RoundAbandoned", "RunCompleted"], Log(RunId).Select(record => record.Type));
        Assert.All(Log(RunId), record => Assert.Equal(record.Type == "UpdateAdmitted", record.At is null));
        AssertChained(RunId);
    }

    [Fact]
    public async Task Each_run_has_a_chain_of_its_own()
    {
        var other = Guid.CreateVersion7();
        await CreateAsync(RunId);
        await CreateAsync(other);
        await AppendAsync(Admitted(Member(Round(2), 0)));
        await AppendAsync(Admitted(Member(Round(2), 0)) with { RunId = other });
        await AppendAsync(Admitted(Member(Round(2), 1)));

        AssertChained(RunId);
        AssertChained(other);
        Assert.Equal((3, 2), (Log(RunId).Count, Log(other).Count));
    }

    [Fact]
    public async Task A_record_lives_and_dies_with_the_transaction_that_makes_it_so()
    {
        await CreateAsync(RunId);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Database.WriteAsync(
            transaction =>
            {
                EventLog.Append(transaction, Admitted(Member(Round(2), 0)));
                throw new InvalidOperationException("The rest of it can't be done.");
            },
            CancellationToken.None));

        Assert.Single(Log(RunId));
    }

    [Fact]
    public async Task What_the_coordinator_sends_is_told_where_it_is_sent()
    {
        await CreateAsync(RunId);
        await Database.WriteAsync(
            transaction =>
            {
                RoundStore.Insert(transaction, Round(1) with { State = RoundState.Planned });
                MemberStore.Insert(transaction, RunId, Member(Round(1), 0));
                Rounds.In(transaction).On(new BudgetReserved { RunId = RunId, RoundId = Round(1).RoundId, Round = 1, Attempt = 1, ClientIds = [Client(0)] });
            },
            CancellationToken.None);

        var started = Log(RunId)[^1];
        Assert.Equal("RoundStarted", started.Type);
        Assert.Contains("\"cohortSize\":1", started.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_record_can_neither_be_changed_nor_deleted_nor_put_over_another()
    {
        await CreateAsync(RunId);
        await AppendAsync(Admitted(Member(Round(2), 0)));
        await AppendAsync(Admitted(Member(Round(2), 1)));
        var log = Log(RunId);
        var head = log[^1].Hash;
        const string Columns = "insert or replace into event (run_id, sequence, type, round, subject, body, at, previous_hash, hash)";
        string[] attempts =
        [
            "update event set body = '{}' where sequence = 2",
            "delete from event where sequence = 3",
            $"{Columns} values ('{RunId}', 2, 'RunCompleted', 0, '', '{{}}', null, '{log[0].Hash}', 'x')",
            $"{Columns} values ('{RunId}', 4, 'UpdateAdmitted', 1, '{Client(0)}', '{{}}', null, '{head}', 'x')",
            $"{Columns} values ('{RunId}', 5, 'RunCompleted', 0, '', '{{}}', null, '{head}', 'x')",
            $"{Columns} values ('{RunId}', 4, 'RunCompleted', 0, '', '{{}}', null, '{log[1].Hash}', 'x')",
        ];
        foreach (var attempt in attempts)
        {
            var refusal = await Assert.ThrowsAsync<SqliteException>(() => Database.WriteAsync(transaction => transaction.Execute(attempt), CancellationToken.None));
            Assert.Matches("append-only|continues its run's log", refusal.Message);
        }

        Assert.Equal(log, Log(RunId));
    }

    [Fact]
    public async Task The_head_is_shown_once_the_run_is_over()
    {
        await CreateAsync(RunId);
        Assert.Null(Head());

        await EndAsync();
        await AppendAsync(Admitted(Member(Round(2), 0)));

        Assert.Equal((2, Log(RunId)[^1].Hash), (Log(RunId).Count, Head()));
    }

    [Fact]
    public async Task A_log_is_whole_once_it_tells_of_every_update_that_its_models_are_made_of()
    {
        await CreateAsync(RunId);
        Assert.True(IsWhole());
        await AppendAsync(Admitted(Member(Round(2), 0)));
        await AppendAsync(Aggregated(Round(2) with { Admitted = 2 }));
        Assert.False(IsWhole());
        await AppendAsync(Admitted(Member(Round(2), 1)));
        Assert.True(IsWhole());

        bool IsWhole() => Database.Read(transaction => EventStore.IsWhole(transaction, RunId));
    }

    [Fact]
    public async Task A_run_that_began_before_there_were_logs_goes_on_and_ends_without_one()
    {
        BeginUnderFirstSchema();

        await AppendAsync(Admitted(Member(Round(2), 0)));
        await EndAsync();

        Assert.Empty(Log(RunId));
        Assert.Null(Head());
    }

    // The database as the program before this one left it, with a run in it.
    private void BeginUnderFirstSchema()
    {
        using var schema = new StreamReader(typeof(RoundStore).Assembly.GetManifestResourceStream("Schema.001.sql")!);
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = File, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"""
            {schema.ReadToEnd()}
            insert into run (run_id, request_sha256, spec, state, round, ended_round, abandoned_in_row, stop_requested, created_at)
            values ('{RunId}', '', '{JsonSerializer.Serialize(Spec, JsonSerializerOptions.Web)}', 'Running', 0, 0, 0, 0, '2026-01-01T00:00:00.0000000Z');
            pragma user_version = 1;
            """;
        command.ExecuteNonQuery();
    }

    private Task CreateAsync(Guid runId) => Database.WriteAsync(
        transaction =>
        {
            RunStore.Insert(transaction, new Run { RunId = runId, Spec = Spec, State = RunState.Running, CreatedAt = Start }, idempotencyKey: null, requestSha256: "");
            EventLog.Append(transaction, new CreateModel { RunId = runId, Run = Spec });
        },
        CancellationToken.None);

    private Task EndAsync() => Database.WriteAsync(
        transaction => RunStore.Update(transaction, RunStore.Find(transaction, RunId)! with { State = RunState.Completed, EndedAt = Start }), CancellationToken.None);

    private Task AppendAsync(object message) => Database.WriteAsync(transaction => EventLog.Append(transaction, message), CancellationToken.None);

    private string? Head() => Database.Read(transaction => RunViews.Of(RunStore.Find(transaction, RunId)!)).EventsHead;

    private IReadOnlyList<EventRecord> Log(Guid runId) => Database.Read(transaction => EventStore.Page(transaction, runId, after: 0, limit: 100));

    private void AssertChained(Guid runId)
    {
        var head = HashChain.Empty;
        foreach (var record in Log(runId))
        {
            Assert.Null(EventChain.FaultOf(head, record));
            head = new ChainHead(record.Sequence, record.Hash);
        }
    }
}
