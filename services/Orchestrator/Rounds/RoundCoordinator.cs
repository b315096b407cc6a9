using System.Security.Cryptography;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>What a decision about a round may depend on besides its rows and the message.</summary>
/// <param name="NextToken">A fresh lease token, in case the task is issued again.</param>
public record RoundContext(RunSpec Spec, DateTimeOffset Now, string NextToken)
{
    public TimeSpan Lease => TimeSpan.FromSeconds(Spec.Selection.LeaseSeconds);

    /// <summary>Whether a task whose lease was accepted may go to another worker: not where each worker would draw noise of its own (privacy rule 17).</summary>
    public bool MayReissue => !Spec.Privacy.HasExample && !Spec.Privacy.HasLocal;
}

/// <summary>
/// Carries the pure protocols' decisions out: loads rows, lets <see cref="RoundProtocol"/> and <see cref="RunProtocol"/> decide, saves, sends, and
/// moves the run on. Everything in one call is one transaction.
/// </summary>
public sealed class RoundCoordinator(OrchestratorDatabase database, OrchestratorOptions options, ProgressSignals progress, OrchestratorMetrics metrics)
{
    private readonly TimeSpan _clientTimeout = TimeSpan.FromSeconds(options.ClientTimeoutSeconds);

    /// <summary>A message about one member of a round.</summary>
    public Task ApplyAsync<T>(ConsumeContext<T> context, Guid roundId, string clientId, Func<Round, Member, RoundContext, RoundDecision> decide)
        where T : class => database.ConsumeAsync(context, transaction => Apply(transaction, roundId, clientId, decide));

    /// <summary>A message about several members of a round.</summary>
    public Task ApplyAsync<T>(
        ConsumeContext<T> context, Guid roundId, IReadOnlyList<string> clientIds, Func<Round, Member, RoundContext, RoundDecision> decide)
        where T : class => database.ConsumeAsync(context, transaction => ApplyAll(transaction, roundId, clientIds, decide));

    /// <summary>The ledger left members out. Whoever has no budget left is not drawn again in this run.</summary>
    public Task RefuseAsync(ConsumeContext<BudgetRefused> context) => database.ConsumeAsync(context, transaction =>
    {
        var refusals = context.Message.Refused.ToDictionary(refusal => refusal.ClientId);
        foreach (var refusal in refusals.Values.Where(refusal => refusal.ReasonCode == BudgetRefusalCode.BudgetExhausted))
        {
            ExhaustedClients.Add(transaction, context.Message.RunId, refusal.ClientId);
        }

        ApplyAll(
            transaction, context.Message.RoundId, [.. refusals.Keys], (round, member, _) => RoundProtocol.OnBudgetRefused(round, member, refusals[member.ClientId]));
    });

    /// <summary>A message about a round as a whole.</summary>
    public Task ApplyAsync<T>(ConsumeContext<T> context, Guid roundId, Func<Round, RoundContext, RoundDecision> decide)
        where T : class => database.ConsumeAsync(context, transaction =>
    {
        if (RoundStore.Find(transaction, roundId) is { } round && RunStore.Find(transaction, round.RunId) is { } run)
        {
            Save(transaction, round, null, decide(round, Context(transaction, run)));
            Advance(transaction, run, roundId);
        }
    });

    public void Apply(Transaction transaction, Guid roundId, string clientId, Func<Round, Member, RoundContext, RoundDecision> decide) =>
        ApplyAll(transaction, roundId, [clientId], decide);

    /// <summary>Lets the run take its next step, if one is due: the next round, or its end.</summary>
    public void Continue(Transaction transaction, Guid runId)
    {
        if (RunStore.Find(transaction, runId) is { IsFinal: false } run && RoundStore.FindOpen(transaction, runId) is null)
        {
            GoOn(transaction, run);
            Dispatch(transaction);
        }
    }

    /// <summary>Stops the run's open round, unless it is being aggregated.</summary>
    public void StopRound(Transaction transaction, Run run)
    {
        if (RoundStore.FindOpen(transaction, run.RunId) is not { } round)
        {
            Continue(transaction, run.RunId);
            return;
        }

        if (RoundProtocol.OnStop(round, transaction.Now).Round.IsFinal)
        {
            round = RefundUndispatched(transaction, round);
            Save(transaction, round, null, RoundProtocol.OnStop(round, transaction.Now));
        }

        Advance(transaction, run, round.RoundId);
    }

    /// <summary>Closes a round whose deadline has passed.</summary>
    public void OnDeadline(Transaction transaction, Guid roundId)
    {
        if (RoundStore.Find(transaction, roundId) is { } round && RunStore.Find(transaction, round.RunId) is { } run)
        {
            Advance(transaction, run, roundId);
        }
    }

    /// <summary>Sends tasks that wait as far as the workers' queues have room, each run in turn.</summary>
    public void Dispatch(Transaction transaction)
    {
        var demand = MemberStore.Demand(transaction);
        if (demand.Count == 0)
        {
            return;
        }

        var slots = ClientStore.Slots(transaction, _clientTimeout);
        foreach (var queue in demand.Where(queue => slots.GetValueOrDefault(queue.Key) > 0))
        {
            foreach (var (runId, count) in FairShare.Pick(2 * slots[queue.Key] + options.DispatchAhead, queue.ToList()))
            {
                SendTasks(transaction, RunStore.Find(transaction, runId)!, MemberStore.Waiting(transaction, queue.Key, runId, count));
            }
        }
    }

    private void ApplyAll(
        Transaction transaction, Guid roundId, IReadOnlyList<string> clientIds, Func<Round, Member, RoundContext, RoundDecision> decide)
    {
        if (RoundStore.Find(transaction, roundId) is not { } round || RunStore.Find(transaction, round.RunId) is not { } run)
        {
            return;
        }

        foreach (var clientId in clientIds)
        {
            if (MemberStore.Find(transaction, roundId, clientId) is { } member)
            {
                var decision = decide(round, member, Context(transaction, run));
                Save(transaction, round, member, decision);
                round = decision.Round;
                if (decision.Member is { } renewed && renewed.LeaseNumber != member.LeaseNumber)
                {
                    OpenBook(transaction, round, [renewed]);
                }
            }
        }

        Advance(transaction, run, roundId);
    }

    private void Advance(Transaction transaction, Run run, Guid roundId)
    {
        var round = RoundStore.Find(transaction, roundId)!;
        var answered = RoundProtocol.OnLedgerAnswered(round, TimeSpan.FromSeconds(run.Spec.Selection.DeadlineSeconds), transaction.Now);
        if (answered.Round.State == RoundState.Dispatched && round.State == RoundState.Planned)
        {
            OpenBook(transaction, answered.Round, MemberStore.InState(transaction, roundId, MemberState.Waiting));
        }
        else if (answered.Round.IsFinal && !round.IsFinal)
        {
            round = RefundUndispatched(transaction, round);
            answered = answered with { Round = answered.Round with { Open = round.Open, Refused = round.Refused } };
        }

        Save(transaction, round, null, answered);
        round = answered.Round;
        if (RoundProtocol.OnProgress(round, transaction.Now).Round.State != round.State)
        {
            round = RefundUndispatched(transaction, round);
            var closing = RoundProtocol.OnProgress(round, transaction.Now);
            Save(transaction, round, null, closing);
            round = closing.Round;
        }

        if (round.IsFinal)
        {
            EndRound(transaction, run, round);
        }

        Dispatch(transaction);
        transaction.OnCommitted(() => progress.Changed(run.RunId));
    }

    private void EndRound(Transaction transaction, Run run, Round round)
    {
        var next = RunProtocol.OnRoundEnded(run, round);
        if (next == run)
        {
            return;
        }

        RunStore.Update(transaction, next);
        transaction.OnCommitted(() => metrics.RoundEnded(round));
        if (round.State == RoundState.Done && run.Spec.Evaluation.Federated && IsEvaluationDue(run.Spec, round.Number))
        {
            SendEvaluations(transaction, next, round);
        }

        GoOn(transaction, next);
    }

    // The run's end, its next round, or nothing yet: when it is paused, waits for clients, or for the answers of its last evaluation.
    private void GoOn(Transaction transaction, Run run)
    {
        if (run.Model is null && !run.StopRequested)
        {
            return;
        }

        if (run.Round >= run.Spec.Rounds && EvaluationStore.IsOpen(transaction, run.RunId))
        {
            return;
        }

        var (eligible, exhausted) = Eligible(transaction, run);
        var decision = RunProtocol.OnIdle(run, eligible.Count, exhausted);
        if (decision.Run.IsFinal)
        {
            End(transaction, decision);
        }
        else if (run.State is RunState.Preparing or RunState.Running)
        {
            Plan(transaction, run, eligible);
        }
    }

    /// <summary>Clients that may be drawn, and how many may not because their budget is spent.</summary>
    private (IReadOnlyList<EligibleClient> Clients, int Exhausted) Eligible(Transaction transaction, Run run)
    {
        var exhausted = ExhaustedClients.Of(transaction, run.RunId);
        var present = ClientStore.Eligible(transaction, run.Spec.Data.DataSet, _clientTimeout);
        return (present.Where(client => !exhausted.Contains(client.ClientId)).ToList(), exhausted.Count);
    }

    private void End(Transaction transaction, RunDecision decision)
    {
        RunStore.Update(transaction, decision.Run with { EndedAt = transaction.Now });
        transaction.SendAll(decision.Messages);
        transaction.OnCommitted(() => progress.Changed(decision.Run.RunId));
    }

    private void Plan(Transaction transaction, Run run, IReadOnlyList<EligibleClient> eligible)
    {
        if (eligible.Count < run.Spec.Selection.MinimumClients)
        {
            return;
        }

        var number = run.Round + 1;
        var (cohort, target) = CohortSampling.Draw(run.Spec.Seed, number, eligible, run.Spec.Selection);
        var round = NewRound(run, number, cohort.Count, target, transaction.Now);
        RoundStore.Insert(transaction, round);
        foreach (var client in cohort)
        {
            MemberStore.Insert(transaction, run.RunId, NewMember(run, round, client));
        }

        RunStore.Update(transaction, RunProtocol.OnRoundPlanned(run, number));
        transaction.ForgetSent(run.RunId, number - 1);
        transaction.SendAll(RoundMessages.Reserve(run, round, cohort));
        transaction.OnCommitted(() => progress.Changed(run.RunId));
    }

    private static Round NewRound(Run run, int number, int cohortSize, int target, DateTimeOffset now) => new()
    {
        RoundId = ReservationId.OfRound(run.RunId, number),
        RunId = run.RunId,
        Number = number,
        State = RoundState.Planned,
        CohortSize = cohortSize,
        Planned = cohortSize,
        Open = 0,
        MinimumReports = run.Spec.Selection.MinimumReports,
        Target = run.Spec.Selection.CloseOnTarget ? target : null,
        BaseModel = run.Model!,
        StartedAt = now,
    };

    private static Member NewMember(Run run, Round round, EligibleClient client) => new()
    {
        RoundId = round.RoundId,
        ClientId = client.ClientId,
        State = MemberState.Planned,
        ReservationId = ReservationId.Of(run.RunId, round.Number, client.ClientId, attempt: 1),
        Address = client.Address,
        ExampleCount = client.Data.ExampleCount,
        LeaseToken = NewToken(),
    };

    private static void OpenBook(Transaction transaction, Round round, IReadOnlyList<Member> members) =>
        transaction.SendAll(RoundMessages.OpenBook(round, members));

    private static Round RefundUndispatched(Transaction transaction, Round round)
    {
        foreach (var member in MemberStore.InState(transaction, round.RoundId, MemberState.Waiting))
        {
            var decision = RoundProtocol.OnNeverDispatched(round, member);
            Save(transaction, round, member, decision);
            round = decision.Round;
        }

        return round;
    }

    private static void SendTasks(Transaction transaction, Run run, IReadOnlyList<Member> members)
    {
        foreach (var rounds in members.GroupBy(member => member.RoundId))
        {
            var round = RoundStore.Find(transaction, rounds.Key)!;
            foreach (var member in rounds)
            {
                var decision = RoundProtocol.OnDispatched(round, member);
                if (decision.Member != member)
                {
                    Save(transaction, round, member, decision);
                    transaction.Send(RoundMessages.Train(run, round, member), member.Address);
                }
            }
        }
    }

    private static void SendEvaluations(Transaction transaction, Run run, Round round)
    {
        var members = MemberStore.InState(transaction, round.RoundId, MemberState.Admitted);
        var deadline = transaction.Now + TimeSpan.FromSeconds(run.Spec.Evaluation.DeadlineSeconds);
        EvaluationStore.Open(transaction, run.RunId, round.Number, members.Count, deadline);
        foreach (var member in members)
        {
            transaction.Send(RoundMessages.Evaluate(run, round, member, deadline), member.Address);
        }
    }

    private static void Save(Transaction transaction, Round round, Member? member, RoundDecision decision)
    {
        if (decision.Round != round)
        {
            RoundStore.Update(transaction, decision.Round);
        }

        if (decision.Member is { } changed && changed != member)
        {
            MemberStore.Update(transaction, changed);
        }

        transaction.SendAll(decision.Messages);
    }

    private static bool IsEvaluationDue(RunSpec spec, int round) => round % spec.Evaluation.EveryRounds == 0 || round == spec.Rounds;

    private static RoundContext Context(Transaction transaction, Run run) => new(run.Spec, transaction.Now, NewToken());

    private static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
