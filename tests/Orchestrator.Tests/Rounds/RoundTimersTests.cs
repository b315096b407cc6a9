using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static FlEvents.Orchestrator.Tests.Rounds.Messages;

namespace FlEvents.Orchestrator.Tests.Rounds;

/// <summary>What the clock alone does to a stored round: leases and deadlines that pass.</summary>
public sealed class RoundTimersTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new(Start);
    private readonly OrchestratorMetrics _metrics = new();
    private readonly OrchestratorDatabase _database;
    private readonly RoundTransactions _rounds;
    private readonly RoundTimers _timers;

    public RoundTimersTests()
    {
        var settings = new DatabaseSettings { Name = "orchestrator", Path = _folder.File("orchestrator.db"), Synced = false, Schema = typeof(RoundStore).Assembly };
        _database = new OrchestratorDatabase(settings, _time, NullLogger<Database>.Instance);
        var options = new OrchestratorOptions();
        _rounds = new RoundTransactions(_database, options, new ProgressSignals(), new EdgeSignals(), _metrics);
        _timers = new RoundTimers(_database, _rounds, options, _time);
    }

    public async ValueTask DisposeAsync()
    {
        _timers.Dispose();
        await _database.DisposeAsync();
        _metrics.Dispose();
        _folder.Dispose();
    }

    // Whether its worker has trained, or sent something already, nobody can know: only what was never handed to the bus is given back.
    [Theory]
    [InlineData(PrivacyMode.None), InlineData(PrivacyMode.Example), InlineData(PrivacyMode.Local), InlineData(PrivacyMode.Central), InlineData(PrivacyMode.LocalCentral)]
    public async Task There_is_no_refund_on_expiry_of_a_lease_or_of_a_rounds_deadline_and_the_charges_are_committed(PrivacyMode mode)
    {
        var round = await CollectingAsync(mode, MemberState.Accepted, MemberState.Dispatched, MemberState.Waiting);

        await TickAsync(Lease);
        Assert.Empty(await SentAsync<RefundBudget>());
        Assert.Equal(
            mode is PrivacyMode.None or PrivacyMode.Central ? (MemberState.Waiting, 2) : (MemberState.Failed, 1),
            Outcome(round, 0));

        await TickAsync(Deadline);
        // The third client's task was never sent: it alone.
        Assert.Equal([(Client(2), "NOT_DISPATCHED")], (await SentAsync<RefundBudget>()).Select(refund => (refund.ClientId, refund.ReasonCode)));
        // The Aggregator commits what it aggregates; where it finds too little the Orchestrator does.
        Assert.Equal(round.RoundId, Assert.Single(await SentAsync<AggregateRound>()).RoundId);
        var closing = _database.Read(transaction => RoundStore.Find(transaction, round.RoundId))!;
        Assert.Equal(round.RoundId, Assert.IsType<CommitBudget>(Assert.Single(RoundProtocol.OnAbandoned(closing, Abandoned(closing), _time.GetUtcNow()).Messages)).RoundId);
    }

    [Theory]
    [InlineData(PrivacyMode.None), InlineData(PrivacyMode.Local)]
    public async Task S20_a_lease_that_ends_twice_has_one_outcome_and_gives_no_charge_back(PrivacyMode mode)
    {
        var round = await CollectingAsync(mode, MemberState.Accepted, MemberState.Dispatched);
        _time.Advance(Lease);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _timers.TickAsync(CancellationToken.None)));

        // Issued again once, or given up once.
        Assert.Equal(mode == PrivacyMode.None ? (MemberState.Waiting, 2) : (MemberState.Failed, 1), Outcome(round, 0));
        Assert.Equal(mode == PrivacyMode.None ? 2 : 1, _database.Read(transaction => RoundStore.Find(transaction, round.RoundId))!.Open);
        Assert.Empty(await SentAsync<RefundBudget>());
    }

    [Theory]
    [InlineData(PrivacyMode.None, true), InlineData(PrivacyMode.None, false), InlineData(PrivacyMode.Local, true), InlineData(PrivacyMode.Local, false)]
    public async Task S20_an_update_that_races_with_the_end_of_its_lease_is_counted_once_and_its_charge_stays(PrivacyMode mode, bool updateIsFirst)
    {
        var round = await CollectingAsync(mode, MemberState.Accepted, MemberState.Dispatched);
        _time.Advance(Lease);
        foreach (var step in updateIsFirst ? new[] { AdmitAsync, ExpireAsync } : [ExpireAsync, AdmitAsync])
        {
            await step();
            await step();
        }

        Assert.Equal(MemberState.Admitted, Outcome(round, 0).State);
        var after = _database.Read(transaction => RoundStore.Find(transaction, round.RoundId))!;
        Assert.Equal((1, 1, 0), (after.Admitted, after.Open, after.Refused));
        Assert.Empty(await SentAsync<RefundBudget>());

        Task ExpireAsync() => _timers.TickAsync(CancellationToken.None);
        Task AdmitAsync() => _database.WriteAsync(transaction => _rounds.In(transaction).On(Admitted(Member(round, 0))), CancellationToken.None);
    }

    [Theory]
    [InlineData(PrivacyMode.None, 1), InlineData(PrivacyMode.None, -1), InlineData(PrivacyMode.Local, 1), InlineData(PrivacyMode.Local, -1)]
    public async Task S21_a_clock_that_jumps_by_a_day_gives_no_charge_back_that_could_have_been_used(PrivacyMode mode, int days)
    {
        var round = await CollectingAsync(mode, MemberState.Accepted, MemberState.Dispatched, MemberState.Waiting);
        _time.Jump(TimeSpan.FromDays(days));
        await _timers.TickAsync(CancellationToken.None);
        _time.Jump(-TimeSpan.FromDays(days));
        await TickAsync(TimeSpan.FromSeconds(1));

        // Forward the round ends at once, as at its deadline; back nothing is due. Whoever was never sent a task, and nobody else, gets the charge back.
        var (refunds, requests) = (await SentAsync<RefundBudget>(), await SentAsync<AggregateRound>());
        Assert.Equal(days > 0 ? [Client(2)] : [], refunds.Select(refund => refund.ClientId));
        Assert.Equal(days > 0 ? 1 : 0, requests.Count);
        Assert.Equal(days > 0 ? RoundState.Closing : RoundState.Collecting, _database.Read(transaction => RoundStore.Find(transaction, round.RoundId))!.State);

        await TickAsync(Deadline);
        Assert.Equal([Client(2)], (await SentAsync<RefundBudget>()).Select(refund => refund.ClientId));
        Assert.Single(await SentAsync<AggregateRound>());
    }

    private (MemberState State, int LeaseNumber) Outcome(Round round, int client) => _database.Read(transaction =>
        MemberStore.Find(transaction, round.RoundId, Client(client)) is { } member ? (member.State, member.LeaseNumber) : default);

    /// <summary>A round of three clients that collects updates, and a member in each state; the first one's lease runs.</summary>
    private Task<Round> CollectingAsync(PrivacyMode mode, params MemberState[] states) => _database.WriteAsync(
        transaction =>
        {
            var privacy = new PrivacySpec { Mode = mode, Example = Example.Example, Local = Local.Local, Central = Central.Central };
            RunStore.Insert(
                transaction,
                new Run { RunId = RunId, Spec = Spec with { Privacy = privacy }, State = RunState.Running, Round = 1, Model = Blob('b'), CreatedAt = Start },
                idempotencyKey: null,
                requestSha256: "");
            var round = Round(states.Length) with { State = RoundState.Collecting, Planned = 0, Open = states.Length, DeadlineAt = Start + Deadline };
            RoundStore.Insert(transaction, round);
            foreach (var (index, state) in states.Index())
            {
                MemberStore.Insert(transaction, RunId, Member(round, index));
                MemberStore.Update(transaction, Member(round, index) with { State = state, LeaseEndsAt = state == MemberState.Accepted ? Start + Lease : null });
            }

            return round;
        },
        CancellationToken.None);

    private async Task TickAsync(TimeSpan passed)
    {
        _time.Advance(passed);
        await _timers.TickAsync(CancellationToken.None);
    }

    private async Task<IReadOnlyList<T>> SentAsync<T>() => await _database.WriteAsync(
        transaction => transaction
            .Query<OutboxRow>("select message_id, type, body from outbox where type = @type order by seq", new { type = typeof(T).Name })
            .Select(row => (T)row.Decode().Message)
            .ToList(),
        CancellationToken.None);
}
