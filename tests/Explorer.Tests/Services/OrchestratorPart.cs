using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Explorer.Tests.Services;

/// <summary>The Orchestrator: <see cref="RoundCoordinator"/> over rows in memory.</summary>
internal sealed class OrchestratorPart(Scenario scenario, Mail mail) : Part<OrchestratorRows>(mail, rows => rows)
{
    private const int TakeKind = 0, TickKind = 1, LeaseKind = 2;

    /// <summary>The rows once every run was created, and what that sent.</summary>
    public (int Rows, int Sent) Begin()
    {
        var rows = new OrchestratorRows();
        var sent = new List<Envelope>();
        for (var run = 0; run < scenario.Runs.Count; run++)
        {
            var runId = Scenario.RunId(run);
            rows = rows with { Runs = rows.Runs.Add(runId, new Run { RunId = runId, Spec = scenario.Runs[run], State = RunState.Preparing, CreatedAt = Scenario.Start }) };
            sent.AddRange(Envelope.Of(new CreateModel { RunId = runId, Run = scenario.Runs[run] }));
        }

        return (Rows.IdOf(rows), Mail.Bags.IdOf(sent.Select(Mail.Messages.IdOf)));
    }

    public Outcome Take(int rows, int message, int clock) =>
        Known(rows, TakeKind, message, clock) ?? Learn(rows, TakeKind, message, clock, Do(rows, Scenario.Now(clock), round => Deliver(round, Mail.Messages[message].Message)));

    /// <summary>Looks at the clock: rounds past their deadline, and runs that could have a round and have none.</summary>
    public Outcome Tick(int rows, int clock) => Known(rows, TickKind, 0, clock) ?? Learn(rows, TickKind, 0, clock, Do(rows, Scenario.Now(clock), round =>
    {
        foreach (var due in Rows[rows].Rounds.Values.Where(due => due.IsCollecting && due.DeadlineAt <= Scenario.Now(clock)))
        {
            round.OnDeadline(due.RoundId);
        }

        foreach (var run in Rows[rows].Runs.Values.Where(run => !run.IsFinal && run.Model is not null && Rows[rows].Rounds.Values.All(other => other.RunId != run.RunId || other.IsFinal)))
        {
            round.Continue(run.RunId);
        }
    }));

    /// <summary>A lease ends without a sign of life.</summary>
    public Outcome EndLease(int rows, int reservation, int clock)
    {
        if (Known(rows, LeaseKind, reservation, clock) is { } known)
        {
            return known;
        }

        var accepted = Rows[rows].Members.Values.SingleOrDefault(member =>
            member is { State: MemberState.Accepted, LeaseNumber: 1, CarriedFrom: null } && member.ReservationId == scenario.Reservations[reservation]);
        return Learn(
            rows, LeaseKind, reservation, clock,
            accepted is null ? new Step<OrchestratorRows>(Rows[rows], []) : Do(rows, accepted.LeaseEndsAt!.Value, round => round.OnLeaseEnded(accepted.RoundId, accepted.ClientId)));
    }

    // Past a deadline any message closes the round, as a look at the clock does.
    protected override bool ChangesNothing(int rows, int message, int clock) =>
        Take(rows, message, clock) is var taken && ((taken.Rows == rows && taken.Sent == Bags.Empty) || taken == Tick(rows, clock));

    protected override string? Defect(OrchestratorRows before, OrchestratorRows after)
    {
        foreach (var (id, run) in before.Runs.Where(run => run.Value.IsFinal && after.Runs[run.Key] != run.Value))
        {
            return $"I5: run {id} was {run.State} and became {after.Runs[id].State}.";
        }

        foreach (var (id, round) in before.Rounds.Where(round => round.Value.IsFinal && after.Rounds[round.Key].State != round.Value.State))
        {
            return $"I5: round {id} was {round.State} and became {after.Rounds[id].State}.";
        }

        foreach (var (id, member) in before.Members.Where(member => IsFinal(member.Value) && after.Members[member.Key] != member.Value))
        {
            return $"I5: member {id} was {member.State} and became {after.Members[id].State}.";
        }

        return null;
    }

    private static bool IsFinal(Member member) => member.State is MemberState.Admitted or MemberState.Rejected or MemberState.Refused or MemberState.Carried;

    private Step<OrchestratorRows> Do(int rows, DateTimeOffset now, Action<RoundCoordinator> act)
    {
        var tables = new OrchestratorTables(scenario, Rows[rows], now);

        // One slot makes room for two tasks; the rest of the queue's length is what it may hold ahead.
        act(new RoundCoordinator(tables, scenario.QueueLength - 2));
        return new Step<OrchestratorRows>(tables.Rows, tables.Sent);
    }

    private static void Deliver(RoundCoordinator round, object message)
    {
        switch (message)
        {
            case BudgetReserved m: round.On(m); break;
            case BudgetRefused m: round.On(m); break;
            case TrainingAccepted m: round.On(m); break;
            case TrainingRefused m: round.On(m); break;
            case TrainingInterrupted m: round.On(m); break;
            case UpdateAdmitted m: round.On(m); break;
            case UpdateRejected m: round.On(m); break;
            case RoundAggregated m: round.On(m); break;
            case RoundAbandoned m: round.On(m); break;
            case ModelPublished m: round.On(m); break;
            default: throw new ArgumentException($"{message.GetType().Name} is not for the Orchestrator.");
        }
    }
}
