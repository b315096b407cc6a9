using System.Security.Cryptography;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Events;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>The tables of runs and rounds, inside one transaction.</summary>
/// <param name="clientTimeout">How long after its worker's last heartbeat a client still counts as there.</param>
public sealed class RoundTables(Transaction transaction, TimeSpan clientTimeout, ProgressSignals progress, EdgeSignals edge, OrchestratorMetrics metrics) : IRoundTables
{
    public DateTimeOffset Now => transaction.Now;

    public string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    public Run? FindRun(Guid runId) => RunStore.Find(transaction, runId);

    public void Update(Run run) => RunStore.Update(transaction, run);

    public Round? FindRound(Guid roundId) => RoundStore.Find(transaction, roundId);

    public Round? FindOpenRound(Guid runId) => RoundStore.FindOpen(transaction, runId);

    public void Insert(Round round)
    {
        RoundStore.Insert(transaction, round);
        Saved(round);
    }

    public void Update(Round round)
    {
        RoundStore.Update(transaction, round);
        Saved(round);
    }

    public Member? FindMember(Guid roundId, string clientId) => MemberStore.Find(transaction, roundId, clientId);

    public IReadOnlyList<Member> MembersInState(Guid roundId, MemberState state) => MemberStore.InState(transaction, roundId, state);

    public IReadOnlyList<Member> LateMembers(Guid runId, int fromRound) => MemberStore.Late(transaction, runId, fromRound);

    public void Insert(Guid runId, Member member) => MemberStore.Insert(transaction, runId, member);

    public void Update(Member member) => MemberStore.Update(transaction, member);

    public ILookup<string, RunDemand> Demand() => MemberStore.Demand(transaction);

    public IReadOnlyDictionary<string, int> Slots() => ClientStore.Slots(transaction, clientTimeout);

    public IReadOnlyList<Member> WaitingMembers(string address, Guid runId, int limit) => MemberStore.Waiting(transaction, address, runId, limit);

    public IReadOnlyList<EligibleClient> EligibleClients(DataSpec data) => ClientStore.Eligible(transaction, data, clientTimeout);

    public IReadOnlySet<string> ExhaustedClients(Guid runId, int? roundsPerClient) => Storage.ExhaustedClients.Of(transaction, runId, roundsPerClient);

    public void AddExhausted(Guid runId, string clientId) => Storage.ExhaustedClients.Add(transaction, runId, clientId);

    public bool IsEvaluationOpen(Guid runId) => EvaluationStore.IsOpen(transaction, runId);

    public void OpenEvaluation(Guid runId, int version, int expected, DateTimeOffset deadlineAt) =>
        EvaluationStore.Open(transaction, runId, version, expected, deadlineAt);

    public bool IsEdge(string clientId) => ClientStore.Find(transaction, clientId) is { IsEdge: true };

    public void Send(object message, string? destination = null)
    {
        EventLog.Append(transaction, message);
        if (message is TrainClient { ClientId: var clientId } && IsEdge(clientId))
        {
            // It asks for what its row tells (EdgeTasks).
            transaction.OnCommitted(() => edge.Changed(clientId));
            return;
        }

        transaction.Send(BudgetRequestStore.Prove(transaction, message), destination);
    }

    public void ForgetSent(Guid runId, int round) => transaction.ForgetSent(runId, round);

    public void Changed(Guid runId) => transaction.OnCommitted(() => progress.Changed(runId));

    public void Ended(Round round)
    {
        var overCounted = MemberStore.OverCounted(transaction, round.RoundId);
        var reasons = RunGaugeStore.Reasons(transaction, round.RoundId);
        var carried = MemberStore.Carried(transaction, round.RunId).GetValueOrDefault(round.RoundId);
        transaction.OnCommitted(() => metrics.RoundEnded(round, carried, overCounted, reasons));
    }

    private void Saved(Round round)
    {
        var now = transaction.Now;
        transaction.OnCommitted(() => metrics.RoundSaved(round, now));
    }
}
