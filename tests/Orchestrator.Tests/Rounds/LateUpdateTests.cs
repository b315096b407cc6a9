using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using static FlEvents.Orchestrator.Tests.Rounds.Messages;

namespace FlEvents.Orchestrator.Tests.Rounds;

public class LateUpdateTests
{
    private static readonly IReadOnlyList<EligibleClient> Clients = [.. Enumerable.Range(0, 4).Select(index => Eligible(index, index))];

    [Fact]
    public void A_late_update_is_kept_for_a_later_round_only_where_the_run_lets_it_count_and_its_own_round_was_completed()
    {
        var (round, member) = Open();
        Assert.Equal(MemberState.Late, RoundProtocol.OnUpdateRejected(round, member, Late(member), LateContext(Start)).Member!.State);
        Assert.Equal(MemberState.Rejected, RoundProtocol.OnUpdateRejected(round, member, Late(member), Context("", Start)).Member!.State);
        Assert.Equal(MemberState.Rejected, RoundProtocol.OnUpdateRejected(round, member, Rejected(member), LateContext(Start)).Member!.State);
        var abandoned = round with { State = RoundState.Abandoned };
        Assert.Equal(MemberState.Rejected, RoundProtocol.OnUpdateRejected(abandoned, member, Late(member), LateContext(Start)).Member!.State);
    }

    [Fact]
    public void A_worker_that_was_given_up_may_still_be_late()
    {
        var (round, member) = Open();
        var failed = RoundProtocol.OnTrainingInterrupted(round, member, Interrupted(member, "FAILED"), LateContext(Start));
        var late = RoundProtocol.OnUpdateRejected(failed.Round, failed.Member!, Late(member), LateContext(Start));
        Assert.Equal((MemberState.Late, 0, 1), (late.Member!.State, late.Round.Refused, late.Round.Rejected));
    }

    [Fact]
    public void A_late_update_counts_in_place_of_a_task_for_its_client_and_ledger()
    {
        var twin = Eligible(9, ledger: 1);
        var carried = RoundPlan.Carried([LateMember(2, 1), LateMember(1, 1)], [.. Clients, twin]);
        Assert.Equal([Client(1), Client(2)], carried.Select(late => late.Late.ClientId));
        Assert.Equal([Client(0), Client(3)], RoundPlan.Others([.. Clients, twin], carried).Select(client => client.ClientId));
    }

    [Fact]
    public void Of_a_ledger_the_newest_late_update_counts_and_none_of_a_client_that_is_gone()
    {
        var twin = Eligible(9, ledger: 1);
        var carried = RoundPlan.Carried([LateMember(9, 3), LateMember(1, 2), LateMember(7, 2)], [.. Clients, twin]);
        Assert.Equal(Client(9), Assert.Single(carried).Late.ClientId);
    }

    [Fact]
    public void A_carried_member_keeps_the_reservation_that_it_was_charged_under_and_is_sent_nothing()
    {
        var round = RoundPlan.NewRound(new Run { RunId = RunId, Spec = Spec, State = Api.RunState.Running, CreatedAt = Start, Model = Blob('a'), Round = 1 }, drawn: 3, carried: 1, target: 4, Start);
        var late = LateMember(1, 1);
        var carried = RoundPlan.CarriedMember(round, late, Clients[1], "secret");
        Assert.Equal((late.ReservationId, late.RoundId, MemberState.Accepted), (carried.ReservationId, carried.CarriedFrom, carried.State));
        Assert.Equal((4, 3, 1), (round.CohortSize, round.Planned, round.Open));
        Assert.Same(carried, RoundProtocol.OnDispatched(round with { State = RoundState.Dispatched }, carried).Member);
    }

    private static (Round Round, Member Member) Open()
    {
        var round = Round(cohort: 1) with { State = RoundState.Closing, Planned = 0, Open = 1 };
        return (round, Member(round, 0) with { State = MemberState.Accepted });
    }

    private static Member LateMember(int index, int round) => Member(Round(cohort: 1), index) with
    {
        RoundId = ReservationId.OfRound(RunId, round),
        ReservationId = ReservationId.Of(RunId, round, Client(index), 1),
        State = MemberState.Late,
    };

    private static EligibleClient Eligible(int index, int ledger) => new(Client(index), "fl-pool-a", new ClientDataSet
    {
        Ledger = new LedgerIdentity { Owner = "ward", DataSet = "digits", PartitionRule = "iid/4", PartitionSeed = 1, PartitionIndex = ledger },
        ExampleCount = 50,
    });
}
