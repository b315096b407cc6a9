using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;

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
/// Carries the pure protocols' decisions out: reads rows, lets <see cref="RoundProtocol"/> and <see cref="RunProtocol"/> decide, writes, sends, and
/// moves the run on. One message, or one look at the clock, is one call.
/// </summary>
/// <param name="dispatchAhead">Tasks a queue holds at most beyond twice its workers' slots.</param>
public sealed class RoundCoordinator(IRoundTables tables, int dispatchAhead)
{
    public void On(BudgetReserved message) => ApplyAll(message.RoundId, message.ClientIds, (round, member, _) => RoundProtocol.OnReserved(round, member));

    /// <summary>The ledger left members out. Whoever has no budget left is not drawn again in this run.</summary>
    public void On(BudgetRefused message)
    {
        var refusals = message.Refused.ToDictionary(refusal => refusal.ClientId);
        foreach (var refusal in refusals.Values.Where(refusal => refusal.ReasonCode == BudgetRefusalCode.BudgetExhausted))
        {
            tables.AddExhausted(message.RunId, refusal.ClientId);
        }

        ApplyAll(message.RoundId, [.. refusals.Keys], (round, member, _) => RoundProtocol.OnBudgetRefused(round, member, refusals[member.ClientId]));
    }

    public void On(TrainingAccepted message) => Apply(
        message.RoundId, message.ClientId, (round, member, now) => RoundProtocol.OnLease(round, member, message.LeaseNumber, now.Lease, now.Now));

    public void On(LeaseRenewed message) => Apply(
        message.RoundId, message.ClientId, (round, member, now) => RoundProtocol.OnLease(round, member, message.LeaseNumber, now.Lease, now.Now));

    public void On(TrainingRefused message) => Apply(
        message.RoundId, message.ClientId, (round, member, _) => RoundProtocol.OnTrainingRefused(round, member, message));

    public void On(TrainingInterrupted message) => Apply(
        message.RoundId, message.ClientId, (round, member, now) => RoundProtocol.OnTrainingInterrupted(round, member, message, now));

    public void On(UpdateAdmitted message) => Apply(
        message.RoundId, message.ClientId, (round, member, _) => RoundProtocol.OnUpdateAdmitted(round, member, message));

    public void On(UpdateRejected message) => Apply(
        message.RoundId, message.ClientId, (round, member, now) => RoundProtocol.OnUpdateRejected(round, member, message, now));

    public void On(RoundAggregated message) => Apply(message.RoundId, (round, now) => RoundProtocol.OnAggregated(round, message, now.Now));

    public void On(RoundAbandoned message) => Apply(message.RoundId, (round, now) => RoundProtocol.OnAbandoned(round, message, now.Now));

    /// <summary>The initial weights start a run; a round's model comes with <see cref="RoundAggregated"/>.</summary>
    public void On(ModelPublished message)
    {
        if (tables.FindRun(message.RunId) is { } run && RunProtocol.OnModelPublished(run, message) is var decision && decision.Run != run)
        {
            tables.Update(decision.Run);
            Continue(run.RunId);
        }
    }

    public void On(ModelRefused message)
    {
        if (tables.FindRun(message.RunId) is { } run && RunProtocol.OnModelRefused(run, message) is var decision && decision.Run != run)
        {
            End(decision);
        }
    }

    /// <summary>A member's lease has ended, by the clock.</summary>
    public void OnLeaseEnded(Guid roundId, string clientId) => Apply(roundId, clientId, RoundProtocol.OnLeaseEnded);

    /// <summary>A client has left: its task is dropped if it waits.</summary>
    public void OnClientLeft(Guid roundId, string clientId) => Apply(
        roundId, clientId, (round, member, _) => RoundProtocol.OnNeverDispatched(round, member));

    /// <summary>Lets the run take its next step, if one is due: the next round, or its end.</summary>
    public void Continue(Guid runId)
    {
        if (tables.FindRun(runId) is { IsFinal: false } run && tables.FindOpenRound(runId) is null)
        {
            GoOn(run);
            Dispatch();
        }
    }

    /// <summary>Stops the run's open round, unless it is being aggregated.</summary>
    public void StopRound(Run run)
    {
        if (tables.FindOpenRound(run.RunId) is not { } round)
        {
            Continue(run.RunId);
            return;
        }

        if (RoundProtocol.OnStop(round, tables.Now).Round.IsFinal)
        {
            round = RefundUndispatched(round);
            Save(round, null, RoundProtocol.OnStop(round, tables.Now));
        }

        Advance(run, round.RoundId);
    }

    /// <summary>Abandons a round that can't be brought to its end; its run goes on.</summary>
    public void GiveUp(Guid roundId, string code, string detail) => Apply(roundId, (round, now) => RoundProtocol.OnGivenUp(round, code, detail, now.Now));

    /// <summary>Closes a round whose deadline has passed.</summary>
    public void OnDeadline(Guid roundId)
    {
        if (tables.FindRound(roundId) is { } round && tables.FindRun(round.RunId) is { } run)
        {
            Advance(run, roundId);
        }
    }

    /// <summary>Sends tasks that wait as far as the workers' queues have room, each run in turn.</summary>
    public void Dispatch()
    {
        var demand = tables.Demand();
        if (demand.Count == 0)
        {
            return;
        }

        var slots = tables.Slots();
        foreach (var queue in demand.Where(queue => slots.GetValueOrDefault(queue.Key) > 0))
        {
            foreach (var (runId, count) in FairShare.Pick(2 * slots[queue.Key] + dispatchAhead, queue.ToList()))
            {
                SendTasks(tables.FindRun(runId)!, tables.WaitingMembers(queue.Key, runId, count));
            }
        }
    }

    private void Apply(Guid roundId, Func<Round, RoundContext, RoundDecision> decide)
    {
        if (tables.FindRound(roundId) is { } round && tables.FindRun(round.RunId) is { } run)
        {
            Save(round, null, decide(round, Context(run)));
            Advance(run, roundId);
        }
    }

    private void Apply(Guid roundId, string clientId, Func<Round, Member, RoundContext, RoundDecision> decide) => ApplyAll(roundId, [clientId], decide);

    private void ApplyAll(Guid roundId, IReadOnlyList<string> clientIds, Func<Round, Member, RoundContext, RoundDecision> decide)
    {
        if (tables.FindRound(roundId) is not { } round || tables.FindRun(round.RunId) is not { } run)
        {
            return;
        }

        foreach (var clientId in clientIds)
        {
            if (tables.FindMember(roundId, clientId) is { } member)
            {
                var decision = decide(round, member, Context(run));
                Save(round, member, decision);
                round = decision.Round;
                if (decision.Member is { } renewed && renewed.LeaseNumber != member.LeaseNumber)
                {
                    OpenBook(round, [renewed]);
                }
            }
        }

        Advance(run, roundId);
    }

    private void Advance(Run run, Guid roundId)
    {
        var round = tables.FindRound(roundId)!;
        var answered = RoundProtocol.OnLedgerAnswered(round, TimeSpan.FromSeconds(run.Spec.Selection.DeadlineSeconds), tables.Now);
        if (answered.Round.State == RoundState.Dispatched && round.State == RoundState.Planned)
        {
            // Nothing has been sent out yet, so whoever is past waiting is carried.
            OpenBook(answered.Round, [.. tables.MembersInState(roundId, MemberState.Waiting), .. tables.MembersInState(roundId, MemberState.Accepted)]);
        }
        else if (answered.Round.IsFinal && !round.IsFinal)
        {
            round = RefundUndispatched(round);
            answered = answered with { Round = answered.Round with { Open = round.Open, Refused = round.Refused } };
        }

        Save(round, null, answered);
        round = answered.Round;
        if (RoundProtocol.OnProgress(round, tables.Now).Round.State != round.State)
        {
            round = RefundUndispatched(round);
            var closing = RoundProtocol.OnProgress(round, tables.Now);
            Save(round, null, closing);
            round = closing.Round;
        }

        if (round.IsFinal)
        {
            EndRound(run, round);
        }

        Dispatch();
        tables.Changed(run.RunId);
    }

    private void EndRound(Run run, Round round)
    {
        var next = RunProtocol.OnRoundEnded(run, round);
        if (next == run)
        {
            return;
        }

        tables.Update(next);
        tables.Ended(round);
        if (round.State == RoundState.Done && run.Spec.Evaluation.Federated && IsEvaluationDue(run.Spec, round.Number))
        {
            SendEvaluations(next, round);
        }

        GoOn(next);
    }

    // The run's end, its next round, or nothing yet: when it is paused, waits for clients, or for the answers of its last evaluation.
    private void GoOn(Run run)
    {
        if (run.Model is null && !run.StopRequested)
        {
            return;
        }

        if (run.Round >= run.Spec.Rounds && tables.IsEvaluationOpen(run.RunId))
        {
            return;
        }

        var (eligible, exhausted) = Eligible(run);
        var decision = RunProtocol.OnIdle(run, eligible.Count, exhausted);
        if (decision.Run.IsFinal)
        {
            End(decision);
        }
        else if (run.State is RunState.Preparing or RunState.Running)
        {
            Plan(run, eligible);
        }
    }

    /// <summary>Clients that may be drawn, and how many may not because their budget is spent or they had their rounds.</summary>
    private (IReadOnlyList<EligibleClient> Clients, int Exhausted) Eligible(Run run)
    {
        var exhausted = tables.ExhaustedClients(run.RunId, run.Spec.Privacy.Central?.RoundsPerClient);
        var present = tables.EligibleClients(run.Spec.Data);
        return (present.Where(client => !exhausted.Contains(client.ClientId)).ToList(), exhausted.Count);
    }

    private void End(RunDecision decision)
    {
        tables.Update(decision.Run with { EndedAt = tables.Now });
        SendAll(decision.Messages);
        tables.Changed(decision.Run.RunId);
    }

    private void Plan(Run run, IReadOnlyList<EligibleClient> eligible)
    {
        if (eligible.Count < run.Spec.Selection.MinimumClients)
        {
            return;
        }

        var number = run.Round + 1;
        var carried = RoundPlan.Carried(LateMembers(run, number), eligible);
        var (cohort, target) = CohortSampling.Draw(run.Spec.Seed, number, RoundPlan.Others(eligible, carried), run.Spec.Selection);
        var round = RoundPlan.NewRound(run, cohort.Count, carried.Count, target, tables.Now);
        tables.Insert(round);
        foreach (var client in cohort)
        {
            tables.Insert(run.RunId, RoundPlan.NewMember(round, client, tables.NewToken()));
        }

        foreach (var (late, client) in carried)
        {
            tables.Update(late with { State = MemberState.Carried });
            tables.Insert(run.RunId, RoundPlan.CarriedMember(round, late, client, tables.NewToken()));
        }

        run = RunProtocol.OnRoundPlanned(run, number);
        tables.Update(run);
        tables.ForgetSent(run.RunId, number - 1);
        SendAll(RoundMessages.Reserve(run, round, cohort));
        tables.Changed(run.RunId);
        if (cohort.Count == 0)
        {
            Advance(run, round.RoundId);
        }
    }

    private IReadOnlyList<Member> LateMembers(Run run, int number) =>
        run.Spec.Aggregation.LateRounds is > 0 and var rounds ? tables.LateMembers(run.RunId, number - rounds) : [];

    private void OpenBook(Round round, IReadOnlyList<Member> members) => SendAll(RoundMessages.OpenBook(round, members));

    private Round RefundUndispatched(Round round)
    {
        foreach (var member in tables.MembersInState(round.RoundId, MemberState.Waiting))
        {
            var decision = RoundProtocol.OnNeverDispatched(round, member);
            Save(round, member, decision);
            round = decision.Round;
        }

        return round;
    }

    private void SendTasks(Run run, IReadOnlyList<Member> members)
    {
        foreach (var rounds in members.GroupBy(member => member.RoundId))
        {
            var round = tables.FindRound(rounds.Key)!;
            foreach (var member in rounds)
            {
                var decision = RoundProtocol.OnDispatched(round, member);
                if (decision.Member != member)
                {
                    Save(round, member, decision);
                    tables.Send(RoundMessages.Train(run, round, member), member.Address);
                }
            }
        }
    }

    private void SendEvaluations(Run run, Round round)
    {
        var members = tables.MembersInState(round.RoundId, MemberState.Admitted).Where(member => !tables.IsEdge(member.ClientId)).ToList();
        var deadline = tables.Now + TimeSpan.FromSeconds(run.Spec.Evaluation.DeadlineSeconds);
        tables.OpenEvaluation(run.RunId, round.Number, members.Count, deadline);
        foreach (var member in members)
        {
            tables.Send(RoundMessages.Evaluate(run, round, member, deadline), member.Address);
        }
    }

    private void Save(Round round, Member? member, RoundDecision decision)
    {
        if (decision.Round != round)
        {
            tables.Update(decision.Round);
        }

        if (decision.Member is { } changed && changed != member)
        {
            tables.Update(changed);
        }

        SendAll(decision.Messages);
    }

    private void SendAll(IEnumerable<object> messages)
    {
        foreach (var message in messages)
        {
            tables.Send(message);
        }
    }

    private static bool IsEvaluationDue(RunSpec spec, int round) => round % spec.Evaluation.EveryRounds == 0 || round == spec.Rounds;

    private RoundContext Context(Run run) => new(run.Spec, tables.Now, tables.NewToken());
}
