using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>Keeps the members of rounds, a row each.</summary>
public static class MemberStore
{
    private const string Columns = """
        round_id, client_id, state, reservation_id, address, example_count, lease_number, lease_token, lease_ends_at, trained_examples,
        bytes_up, training_loss, training_seconds, detail, carried_from, key_sha256
        """;

    private const string SelectOne = $"select {Columns} from member where round_id = @roundId and client_id = @clientId";

    public static Member? Find(Transaction transaction, Guid roundId, string clientId) =>
        transaction.QuerySingleOrDefault<Member>(SelectOne, new { roundId, clientId });

    private const string SelectInState = $"select {Columns} from member where round_id = @roundId and state = @state order by client_id";

    public static IReadOnlyList<Member> InState(Transaction transaction, Guid roundId, MemberState state) =>
        transaction.Query<Member>(SelectInState, new { roundId, state = state.ToString() });

    private const string SelectLate = $"""
        select {Columns} from
        (
            select m.*, r.number from member m join round r using (round_id)
            where m.run_id = @runId and m.state = 'Late' and r.state = 'Done' and r.number >= @fromRound
        ) as late
        where not exists
        (
            select 1 from member n join round r using (round_id)
            where n.run_id = @runId and n.client_id = late.client_id and n.state in ('Admitted', 'Carried') and r.number > late.number
        )
        order by number desc, client_id
        """;

    /// <summary>Members of a run's rounds that were completed whose update was late and counts nowhere yet, the newest first, unless a later update of the client counts.</summary>
    public static IReadOnlyList<Member> Late(Transaction transaction, Guid runId, int fromRound) => transaction.Query<Member>(SelectLate, new { runId, fromRound });

    private const string SelectWaiting = $"""
        select {Columns} from member
        where address = @address and run_id = @runId and state = 'Waiting' and {InOpenRound} order by client_id limit @limit
        """;

    /// <summary>The run's next tasks for a queue of workers.</summary>
    public static IReadOnlyList<Member> Waiting(Transaction transaction, string address, Guid runId, int limit) =>
        transaction.Query<Member>(SelectWaiting, new { address, runId, limit });

    private const string SelectInFlight = $"select {Columns} from member where address = @address and state in ('Dispatched', 'Accepted') and {InOpenRound} order by round_id";

    /// <summary>Tasks of open rounds that are out on a queue.</summary>
    public static IReadOnlyList<Member> InFlight(Transaction transaction, string address) => transaction.Query<Member>(SelectInFlight, new { address });

    private const string SelectLeaseEnded = $"select {Columns} from member where state = 'Accepted' and lease_ends_at <= @now limit 1000";

    public static IReadOnlyList<Member> LeaseEnded(Transaction transaction) => transaction.Query<Member>(SelectLeaseEnded, new { now = transaction.Now });

    private const string CountOverCounted = "select count(*) from member where round_id = @roundId and state in ('Dispatched', 'Accepted', 'Rejected', 'Failed')";

    /// <summary>Members of a round that are charged and gave no update that counts.</summary>
    public static int OverCounted(Transaction transaction, Guid roundId) => transaction.Scalar<int>(CountOverCounted, new { roundId });

    private const string SelectWaitingRounds = "select round_id from member where client_id = @clientId and state = 'Waiting'";

    public static IReadOnlyList<Guid> WaitingRounds(Transaction transaction, string clientId) => transaction.Query<Guid>(SelectWaitingRounds, new { clientId });

    // A task of a round that is closed neither goes out any more nor takes a place.
    // The condition that says nothing new is the one of the index of open rounds.
    private const string InOpenRound = """
        round_id in (select round_id from round where state not in ('Done', 'Abandoned') and state in ('Dispatched', 'Collecting'))
        """;

    private const string SelectDemand = $"""
        select address as Address, run_id as RunId, sum(waiting) as Waiting, sum(in_flight) as InFlight from
        (
            select address, run_id, count(*) as waiting, 0 as in_flight from member where state = 'Waiting' and {InOpenRound} group by address, run_id
            union all
            select address, run_id, 0, count(*) from member where state in ('Dispatched', 'Accepted') and {InOpenRound} group by address, run_id
        )
        group by address, run_id
        """;

    private const string SelectAnyWaiting = $"select exists (select 1 from member where state = 'Waiting' and {InOpenRound})";

    /// <summary>What each run wants of each queue and has out on it; empty when nothing waits.</summary>
    public static ILookup<string, RunDemand> Demand(Transaction transaction)
    {
        var rows = transaction.Scalar<bool>(SelectAnyWaiting) ? transaction.Query<DemandRow>(SelectDemand) : [];
        return rows.ToLookup(row => row.Address, row => new RunDemand(row.RunId, row.Waiting, row.InFlight));
    }

    private const string InsertOne = """
        insert into member (round_id, client_id, run_id, state, reservation_id, address, example_count, lease_number, lease_token, bytes_up, carried_from, key_sha256)
        values (@RoundId, @ClientId, @RunId, @State, @ReservationId, @Address, @ExampleCount, @LeaseNumber, @LeaseToken, 0, @CarriedFrom, @KeySha256)
        """;

    public static void Insert(Transaction transaction, Guid runId, Member member) => transaction.Execute(InsertOne, new
    {
        member.RoundId,
        member.ClientId,
        RunId = runId,
        State = member.State.ToString(),
        member.ReservationId,
        member.Address,
        member.ExampleCount,
        member.LeaseNumber,
        member.LeaseToken,
        member.CarriedFrom,
        member.KeySha256,
    });

    private const string UpdateOne = """
        update member set state = @State, lease_number = @LeaseNumber, lease_token = @LeaseToken, lease_ends_at = @LeaseEndsAt,
            trained_examples = @TrainedExamples, bytes_up = @BytesUp, training_loss = @TrainingLoss, training_seconds = @TrainingSeconds, detail = @Detail
        where round_id = @RoundId and client_id = @ClientId
        """;

    public static void Update(Transaction transaction, Member member) => transaction.Execute(UpdateOne, new
    {
        member.RoundId,
        member.ClientId,
        State = member.State.ToString(),
        member.LeaseNumber,
        member.LeaseToken,
        member.LeaseEndsAt,
        member.TrainedExamples,
        member.BytesUp,
        member.TrainingLoss,
        member.TrainingSeconds,
        member.Detail,
    });

    private const string CountCarried = "select round_id as RoundId, count(*) as Members from member where run_id = @runId and carried_from is not null group by round_id";

    /// <summary>How many late updates of earlier rounds each round of a run was given; rounds that were given none are not there.</summary>
    public static IReadOnlyDictionary<Guid, int> Carried(Transaction transaction, Guid runId) =>
        transaction.Query<CarriedRow>(CountCarried, new { runId }).ToDictionary(row => row.RoundId, row => row.Members);

    private const string SelectContributions = """
        select client_id, max(example_count) as Examples, count(case when m.state = 'Admitted' and r.state = 'Done' then 1 end) as RoundsParticipated,
            coalesce(sum(case when m.state = 'Admitted' and r.state = 'Done' then trained_examples end), 0) as TrainedExamples,
            sum(m.bytes_up) as BytesUp, sum(training_seconds) as TrainingSeconds
        from member m join round r using (round_id)
        where m.run_id = @runId group by client_id order by client_id
        """;

    public static IReadOnlyList<ContributionView> Contributions(Transaction transaction, Guid runId)
    {
        var rows = transaction.Query<ContributionRow>(SelectContributions, new { runId });

        // Where no counts are told every admitted update weighs the same.
        Func<ContributionRow, long> share = rows.Any(row => row.TrainedExamples > 0) ? row => row.TrainedExamples : row => row.RoundsParticipated;
        var total = rows.Sum(share);
        return rows.Select(row => new ContributionView
        {
            ClientId = row.ClientId,
            Examples = row.Examples,
            RoundsParticipated = row.RoundsParticipated,
            Weight = total == 0 ? 0 : share(row) / (double)total,
            BytesUp = row.BytesUp,
            TrainingSeconds = row.TrainingSeconds,
        }).ToList();
    }

    private sealed record CarriedRow
    {
        public required Guid RoundId { get; init; }
        public required int Members { get; init; }
    }

    private sealed record DemandRow
    {
        public required string Address { get; init; }
        public required Guid RunId { get; init; }
        public required int Waiting { get; init; }
        public required int InFlight { get; init; }
    }

    private sealed record ContributionRow
    {
        public required string ClientId { get; init; }
        public required int Examples { get; init; }
        public required int RoundsParticipated { get; init; }
        public required long TrainedExamples { get; init; }
        public required long BytesUp { get; init; }
        public double? TrainingSeconds { get; init; }
    }
}
