using System.Collections.Immutable;
using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Explorer.Tests.Services;

/// <summary>The Orchestrator's durable rows.</summary>
internal sealed record OrchestratorRows
{
    public ImmutableSortedDictionary<Guid, Run> Runs { get; init; } = ImmutableSortedDictionary<Guid, Run>.Empty;

    public ImmutableSortedDictionary<Guid, Round> Rounds { get; init; } = ImmutableSortedDictionary<Guid, Round>.Empty;

    /// <summary>By round and client.</summary>
    public ImmutableSortedDictionary<string, Member> Members { get; init; } = ImmutableSortedDictionary.Create<string, Member>(StringComparer.Ordinal);

    /// <summary>Run and client.</summary>
    public ImmutableSortedSet<string> Exhausted { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    public static string Key(Guid roundOrRun, string clientId) => $"{roundOrRun}/{clientId}";
}

/// <summary>The same tables that the Orchestrator has in its database, over <see cref="OrchestratorRows"/>.</summary>
internal sealed class OrchestratorTables(Scenario scenario, OrchestratorRows rows, DateTimeOffset now) : IRoundTables
{
    private string _subject = "";

    public OrchestratorRows Rows { get; private set; } = rows;

    public List<Envelope> Sent { get; } = [];

    public DateTimeOffset Now => now;

    // Fresh for each issue of a task, and the same whenever the same task is issued the same time: worlds that differ in nothing else are one.
    public string NewToken() => $"token of {_subject}";

    public Run? FindRun(Guid runId) => Rows.Runs.GetValueOrDefault(runId);

    public void Update(Run run) => Rows = Rows with { Runs = Rows.Runs.SetItem(run.RunId, run) };

    public Round? FindRound(Guid roundId) => Rows.Rounds.GetValueOrDefault(roundId);

    public Round? FindOpenRound(Guid runId) => Rows.Rounds.Values.SingleOrDefault(round => round.RunId == runId && !round.IsFinal);

    public void Insert(Round round)
    {
        _subject = $"{round.RoundId}, member 1";
        Rows = Rows with { Rounds = Rows.Rounds.Add(round.RoundId, round) };
    }

    public void Update(Round round) => Rows = Rows with { Rounds = Rows.Rounds.SetItem(round.RoundId, round) };

    public Member? FindMember(Guid roundId, string clientId)
    {
        var member = Rows.Members.GetValueOrDefault(OrchestratorRows.Key(roundId, clientId));
        _subject = $"{member?.ReservationId}, issue {member?.LeaseNumber + 1}";
        return member;
    }

    public IReadOnlyList<Member> MembersInState(Guid roundId, MemberState state) =>
        [.. Rows.Members.Values.Where(member => member.RoundId == roundId && member.State == state)];

    public IReadOnlyList<Member> LateMembers(Guid runId, int fromRound)
    {
        var members = Rows.Members.Values.Where(member => Rows.Rounds[member.RoundId].RunId == runId).ToLookup(member => member.ClientId);
        int NumberOf(Member member) => Rows.Rounds[member.RoundId].Number;
        return
        [
            .. members.SelectMany(client => client)
                .Where(late => late.State == MemberState.Late && Rows.Rounds[late.RoundId].State == RoundState.Done && NumberOf(late) >= fromRound)
                .Where(late => !members[late.ClientId].Any(other => other.State is MemberState.Admitted or MemberState.Carried && NumberOf(other) > NumberOf(late)))
                .OrderByDescending(NumberOf).ThenBy(late => late.ClientId, StringComparer.Ordinal),
        ];
    }

    public void Insert(Guid runId, Member member)
    {
        Rows = Rows with { Members = Rows.Members.Add(OrchestratorRows.Key(member.RoundId, member.ClientId), member) };
        _subject = $"{member.RoundId}, member {Rows.Members.Values.Count(other => other.RoundId == member.RoundId) + 1}";
    }

    public void Update(Member member) => Rows = Rows with { Members = Rows.Members.SetItem(OrchestratorRows.Key(member.RoundId, member.ClientId), member) };

    public ILookup<string, RunDemand> Demand()
    {
        var collecting = Rows.Members.Values.Where(member => Rows.Rounds[member.RoundId].IsCollecting).ToList();
        return collecting.All(member => member.State != MemberState.Waiting)
            ? Array.Empty<RunDemand>().ToLookup(_ => "")
            : collecting.Where(member => member.IsOpen).GroupBy(member => (member.Address, Rows.Rounds[member.RoundId].RunId)).ToLookup(tasks => tasks.Key.Address, DemandOf);
    }

    public IReadOnlyDictionary<string, int> Slots() => scenario.EligibleClients.Select(client => client.Address).Distinct().ToDictionary(address => address, _ => 1);

    public IReadOnlyList<Member> WaitingMembers(string address, Guid runId, int limit) =>
    [
        .. Rows.Members.Values
            .Where(member => member.State == MemberState.Waiting && member.Address == address && Rows.Rounds[member.RoundId] is { IsCollecting: true } round && round.RunId == runId)
            .OrderBy(member => member.ClientId, StringComparer.Ordinal)
            .Take(limit),
    ];

    public IReadOnlyList<EligibleClient> EligibleClients(DataSpec data) => scenario.EligibleClients;

    public IReadOnlySet<string> ExhaustedClients(Guid runId, int? roundsPerClient) =>
        scenario.EligibleClients.Select(client => client.ClientId).Where(clientId => Rows.Exhausted.Contains(OrchestratorRows.Key(runId, clientId))).ToHashSet();

    public void AddExhausted(Guid runId, string clientId) => Rows = Rows with { Exhausted = Rows.Exhausted.Add(OrchestratorRows.Key(runId, clientId)) };

    public bool IsEvaluationOpen(Guid runId) => false;

    public void OpenEvaluation(Guid runId, int version, int expected, DateTimeOffset deadlineAt) =>
        throw new NotSupportedException("No explored run is evaluated by its clients.");

    public bool IsEdge(string clientId) => false;

    public void Send(object message, string? destination = null) => Sent.AddRange(Envelope.Of(message, destination));

    // What was sent once can come again at any time: that is more than the outbox keeps.
    public void ForgetSent(Guid runId, int round)
    {
    }

    public void Changed(Guid runId)
    {
    }

    public void Ended(Round round)
    {
    }

    private static RunDemand DemandOf(IGrouping<(string Address, Guid RunId), Member> run) => new(
        run.Key.RunId, run.Count(member => member.State == MemberState.Waiting), run.Count(member => member.State != MemberState.Waiting));
}
