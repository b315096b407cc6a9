using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>The rows that a step of a run reads and writes, and what it sends: all of it commits together, or nothing of it.</summary>
public interface IRoundTables
{
    DateTimeOffset Now { get; }

    /// <summary>The secret of a fresh lease token: 128 random bits, 32 hexadecimal digits.</summary>
    string NewToken();

    Run? FindRun(Guid runId);

    void Update(Run run);

    Round? FindRound(Guid roundId);

    /// <summary>The run's round that has not ended; at most one.</summary>
    Round? FindOpenRound(Guid runId);

    void Insert(Round round);

    void Update(Round round);

    Member? FindMember(Guid roundId, string clientId);

    /// <summary>Members of a round in a state, in order of client id.</summary>
    IReadOnlyList<Member> MembersInState(Guid roundId, MemberState state);

    /// <summary>
    /// Members of the run's completed rounds from a number on whose update was late and counts nowhere yet, the newest first, unless a later update of the
    /// client counts. None of an abandoned round, whose charges may not be final yet.
    /// </summary>
    IReadOnlyList<Member> LateMembers(Guid runId, int fromRound);

    void Insert(Guid runId, Member member);

    void Update(Member member);

    /// <summary>What each run wants of each queue and has out on it; empty when nothing waits.</summary>
    ILookup<string, RunDemand> Demand();

    /// <summary>Training slots of the live workers behind each queue.</summary>
    IReadOnlyDictionary<string, int> Slots();

    /// <summary>The run's next tasks for a queue of workers, in order of client id.</summary>
    IReadOnlyList<Member> WaitingMembers(string address, Guid runId, int limit);

    /// <summary>Clients that are there, hold the data set, and count its examples as the run does.</summary>
    IReadOnlyList<EligibleClient> EligibleClients(DataSpec data);

    /// <summary>Clients that the run draws no more.</summary>
    /// <param name="roundsPerClient">Most rounds a client is charged for; null for any number.</param>
    IReadOnlySet<string> ExhaustedClients(Guid runId, int? roundsPerClient);

    /// <summary>Notes a client whose budget was found spent: the run draws it no more.</summary>
    void AddExhausted(Guid runId, string clientId);

    /// <summary>Whether an evaluation of the run still waits for answers.</summary>
    bool IsEvaluationOpen(Guid runId);

    void OpenEvaluation(Guid runId, int version, int expected, DateTimeOffset deadlineAt);

    /// <summary>Whether a client comes over HTTPS, and fetches its tasks.</summary>
    bool IsEdge(string clientId);

    /// <param name="destination">Exchange of a command whose receiver is chosen per message; null for a message that has one owner, or none.</param>
    void Send(object message, string? destination = null);

    /// <summary>Deletes sent messages of a run's rounds before <paramref name="round"/>, which are final everywhere.</summary>
    void ForgetSent(Guid runId, int round);

    /// <summary>Tells those who watch the run, once this is committed.</summary>
    void Changed(Guid runId);

    /// <summary>Counts a round that has ended, once this is committed.</summary>
    void Ended(Round round);
}
