using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>What a message does to a round, to one of its members, and what is sent because of it.</summary>
public record RoundDecision(Round Round, Member? Member, IReadOnlyList<object> Messages)
{
    public static RoundDecision Nothing(Round round, Member? member = null) => new(round, member, []);
}

/// <summary>
/// The round as a pure function of its row, one member's row and a message (docs/round-protocol.md). Every message may come twice, late or out
/// of order: what does not fit the state changes nothing. The round counts what was admitted, never what was submitted.
/// </summary>
public static class RoundProtocol
{
    /// <summary>The ledger charged the member.</summary>
    public static RoundDecision OnReserved(Round round, Member member) => member.State != MemberState.Planned || round.State != RoundState.Planned
        ? RoundDecision.Nothing(round, member)
        : new(round with { Planned = round.Planned - 1, Open = round.Open + 1 }, member with { State = MemberState.Waiting }, []);

    /// <summary>The ledger refused the member: it is left out and the round goes on.</summary>
    public static RoundDecision OnBudgetRefused(Round round, Member member, ClientRefusal refusal) =>
        member.State != MemberState.Planned || round.State != RoundState.Planned
            ? RoundDecision.Nothing(round, member)
            : new(
                round with { Planned = round.Planned - 1, Refused = round.Refused + 1 },
                member with { State = MemberState.Refused, Detail = $"{refusal.ReasonCode}: {refusal.Detail}" },
                []);

    /// <summary>Once the ledger has answered for everyone: the round goes out, or is abandoned when too few are left.</summary>
    public static RoundDecision OnLedgerAnswered(Round round, TimeSpan deadline, DateTimeOffset now)
    {
        if (round.State != RoundState.Planned || round.Planned > 0)
        {
            return RoundDecision.Nothing(round);
        }

        return round.Open < round.MinimumReports
            ? Abandon(round, "TOO_FEW_CLIENTS", $"{round.Open} of {round.CohortSize} clients may take part; the round needs {round.MinimumReports}.", now)
            : new(
                round with { State = RoundState.Dispatched, DeadlineAt = now + deadline },
                null,
                [
                    new RoundStarted
                    {
                        RunId = round.RunId,
                        RoundId = round.RoundId,
                        Round = round.Number,
                        CohortSize = round.Open,
                        BaseModel = round.BaseModel,
                        DeadlineAt = now + deadline,
                    },
                ]);
    }

    /// <summary>The member's task leaves for its worker.</summary>
    public static RoundDecision OnDispatched(Round round, Member member) => member.State != MemberState.Waiting || !round.IsCollecting
        ? RoundDecision.Nothing(round, member)
        : new(round, member with { State = MemberState.Dispatched }, []);

    /// <summary>A worker holds the task, or still does: its lease runs from now.</summary>
    public static RoundDecision OnLease(Round round, Member member, int leaseNumber, TimeSpan lease, DateTimeOffset now) =>
        member.State is not (MemberState.Dispatched or MemberState.Accepted) || leaseNumber != member.LeaseNumber || !round.IsCollecting
            ? RoundDecision.Nothing(round, member)
            : new(round with { State = RoundState.Collecting }, member with { State = MemberState.Accepted, LeaseEndsAt = now + lease }, []);

    /// <summary>
    /// The task was not taken. Where one worker alone serves the client that proves that nothing left it, and the charge is given back, unless an
    /// earlier lease was accepted. In a pool it proves nothing: a queue hands a task on when a worker dies before it has acknowledged it, and the
    /// word of the one that has taken it may be on its way still. Whoever does not know the task's token has not been given it, and is not heard.
    /// </summary>
    public static RoundDecision OnTrainingRefused(Round round, Member member, TrainingRefused message)
    {
        if (member.State != MemberState.Dispatched || message.LeaseNumber != member.LeaseNumber || message.RefusalSha256 != LeaseToken.RefusalOf(member.LeaseToken) || !round.IsCollecting)
        {
            return RoundDecision.Nothing(round, member);
        }

        var isProof = member.LeaseNumber == 1 && member.Address == Routes.Silo(member.ClientId);
        return Answered(round with { Refused = round.Refused + 1 }, member with
        {
            State = isProof ? MemberState.Refused : MemberState.Failed,
            Detail = $"{message.ReasonCode}: {message.Detail}",
        }) with
        { Messages = isProof ? [Refund(round, member, "REFUSED_BEFORE_LEASE")] : [] };
    }

    /// <summary>
    /// An accepted task ended without an update: handed back, or its lease over by its worker's clock, which may be ahead of this one, it is issued again where
    /// that is safe; failed it is answered.
    /// </summary>
    public static RoundDecision OnTrainingInterrupted(Round round, Member member, TrainingInterrupted message, RoundContext context)
    {
        if (member.State is not (MemberState.Dispatched or MemberState.Accepted) || message.LeaseNumber != member.LeaseNumber || !round.IsCollecting)
        {
            return RoundDecision.Nothing(round, member);
        }

        return message.ReasonCode is "STOPPING" or "LEASE_LOST" && context.MayReissue
            ? Reissue(round, member, context.NextToken)
            : Fail(round, member, $"{message.ReasonCode}: {message.Detail}");
    }

    /// <summary>
    /// No sign of life for a whole lease: the task is issued again under the same reservation. Where two workers' noise could be averaged out it is
    /// not, and stays charged.
    /// </summary>
    public static RoundDecision OnLeaseEnded(Round round, Member member, RoundContext context) =>
        member.State != MemberState.Accepted || member.LeaseEndsAt > context.Now || !round.IsCollecting
            ? RoundDecision.Nothing(round, member)
        : context.MayReissue ? Reissue(round, member, context.NextToken)
            : Fail(round, member, "LEASE_LOST: the worker gave no sign of life; a private task is not given to another under the same charge.");

    /// <summary>
    /// An update is in the book. The word may come after the round was closed: it was admitted before all the same. Or after its worker was given up: it
    /// came back, and went on.
    /// </summary>
    public static RoundDecision OnUpdateAdmitted(Round round, Member member, UpdateAdmitted message)
    {
        if (!member.IsOpen && member.State != MemberState.Failed)
        {
            return RoundDecision.Nothing(round, member);
        }

        var counted = round with { Admitted = round.Admitted + 1, BytesUp = round.BytesUp + message.UpdateSizeBytes };
        return new(
            member.IsOpen ? counted with { Open = round.Open - 1 } : counted with { Refused = round.Refused - 1 },
            member with
            {
                State = MemberState.Admitted,
                TrainedExamples = message.ExampleCount,
                BytesUp = message.UpdateSizeBytes,
                TrainingLoss = message.TrainingLoss,
                TrainingSeconds = message.TrainingSeconds,
                Detail = null,
            },
            []);
    }

    /// <summary>An update was turned away, or came too late for its round and is kept for another, also after its worker was given up.</summary>
    public static RoundDecision OnUpdateRejected(Round round, Member member, UpdateRejected message, RoundContext context)
    {
        var isKept = message.ReasonCode == RejectionCode.Late && context.Spec.Aggregation.LateRounds > 0 && round.State != RoundState.Abandoned && member.CarriedFrom is null;
        if (!message.IsFinal || !(member.IsOpen || (isKept && member.State == MemberState.Failed)))
        {
            return RoundDecision.Nothing(round, member);
        }

        var counted = round with { Rejected = round.Rejected + 1 };
        return new(
            member.IsOpen ? counted with { Open = round.Open - 1 } : counted with { Refused = round.Refused - 1 },
            member with { State = isKept ? MemberState.Late : MemberState.Rejected, Detail = $"{message.ReasonCode}: {message.Detail}" },
            []);
    }

    /// <summary>Closes the round when its whole cohort has answered, its target is met, or its deadline has passed.</summary>
    public static RoundDecision OnProgress(Round round, DateTimeOffset now)
    {
        var due = round.Open == 0 || round.Admitted >= round.Target || round.DeadlineAt <= now;
        return !round.IsCollecting || !due
            ? RoundDecision.Nothing(round)
            : new(
                round with { State = RoundState.Closing },
                null,
                [new AggregateRound { RunId = round.RunId, RoundId = round.RoundId, Round = round.Number, MinimumReports = round.MinimumReports }]);
    }

    /// <summary>
    /// A member whose task was never handed to the bus when its round ended: its row says so, whatever crashed, so the charge is given back.
    /// </summary>
    public static RoundDecision OnNeverDispatched(Round round, Member member) => member.State != MemberState.Waiting || member.LeaseNumber != 1
        ? RoundDecision.Nothing(round, member)
        : new(
            round with { Open = round.Open - 1, Refused = round.Refused + 1 },
            member with { State = MemberState.Refused, Detail = "NOT_DISPATCHED: the round ended before its turn came." },
            [Refund(round, member, "NOT_DISPATCHED")]);

    public static RoundDecision OnAggregated(Round round, RoundAggregated message, DateTimeOffset now) => round.State != RoundState.Closing
        ? RoundDecision.Nothing(round)
        : new(
            round with { State = RoundState.Done, Model = message.Model, Evaluation = message.Evaluation, ClipNorm = message.ClipNorm, Receipt = message.Receipt, EndedAt = now },
            null,
            []);

    /// <summary>The Aggregator found too few updates in its book.</summary>
    public static RoundDecision OnAbandoned(Round round, RoundAbandoned message, DateTimeOffset now) => round.State != RoundState.Closing
        ? RoundDecision.Nothing(round)
        : new(
            round with { State = RoundState.Abandoned, Reason = $"{message.ReasonCode}: {message.Detail}", EndedAt = now },
            null,
            [Commit(round)]);

    /// <summary>The run is stopped. A round that is being aggregated ends by itself: its model may be on the way out already.</summary>
    public static RoundDecision OnStop(Round round, DateTimeOffset now) => round.IsFinal || round.State == RoundState.Closing
        ? RoundDecision.Nothing(round)
        : Abandon(round, "RUN_STOPPED", "The run was stopped.", now);

    /// <summary>The round can't be brought to its end, whoever has done what for it: it is abandoned, and every charge stays.</summary>
    public static RoundDecision OnGivenUp(Round round, string code, string detail, DateTimeOffset now) =>
        round.IsFinal ? RoundDecision.Nothing(round) : Abandon(round, code, detail, now);

    private static RoundDecision Abandon(Round round, string code, string detail, DateTimeOffset now) => new(
        round with { State = RoundState.Abandoned, Reason = $"{code}: {detail}", EndedAt = now },
        null,
        [
            Commit(round),
            new RoundAbandoned { RunId = round.RunId, RoundId = round.RoundId, Round = round.Number, ReasonCode = code, Detail = detail },
        ]);

    private static RoundDecision Fail(Round round, Member member, string detail) =>
        Answered(round with { Refused = round.Refused + 1 }, member with { State = MemberState.Failed, Detail = detail });

    private static RoundDecision Answered(Round round, Member member) => new(round with { Open = round.Open - 1 }, member, []);

    private static RoundDecision Reissue(Round round, Member member, string nextToken) => new(
        round,
        member with { State = MemberState.Waiting, LeaseNumber = member.LeaseNumber + 1, LeaseToken = LeaseToken.Of(member.LeaseNumber + 1, nextToken), LeaseEndsAt = null },
        []);

    private static CommitBudget Commit(Round round) => new() { RunId = round.RunId, RoundId = round.RoundId, Round = round.Number };

    private static RefundBudget Refund(Round round, Member member, string reasonCode) => new()
    {
        RunId = round.RunId,
        RoundId = round.RoundId,
        Round = round.Number,
        ClientId = member.ClientId,
        ReservationId = member.ReservationId,
        ReasonCode = reasonCode,
    };
}
