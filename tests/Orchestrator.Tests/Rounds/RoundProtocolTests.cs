using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.ServiceDefaults.Messaging;
using static FlEvents.Orchestrator.Tests.Rounds.Messages;

namespace FlEvents.Orchestrator.Tests.Rounds;

public class RoundProtocolTests
{
    [Fact]
    public void The_round_goes_out_once_the_ledger_has_answered_for_everyone()
    {
        var round = Round(cohort: 2);
        var first = RoundProtocol.OnReserved(round, Member(round, 0));
        Assert.Same(first.Round, RoundProtocol.OnLedgerAnswered(first.Round, Deadline, Start).Round);

        var second = RoundProtocol.OnBudgetRefused(first.Round, Member(round, 1), new ClientRefusal { ClientId = Client(1), ReasonCode = "SPENT", Detail = "…" });
        var started = RoundProtocol.OnLedgerAnswered(second.Round, Deadline, Start);
        Assert.Equal((RoundState.Dispatched, Start + Deadline), (started.Round.State, started.Round.DeadlineAt));
        Assert.Equal(1, Assert.IsType<RoundStarted>(Assert.Single(started.Messages)).CohortSize);
        Assert.Equal(MemberState.Refused, second.Member!.State);
    }

    [Fact]
    public void A_round_that_cannot_reach_its_minimum_is_abandoned_before_any_task_goes_out_and_its_charges_are_committed()
    {
        var round = Round(cohort: 2, minimumReports: 2);
        var one = RoundProtocol.OnReserved(round, Member(round, 0)).Round;
        var none = RoundProtocol.OnBudgetRefused(one, Member(round, 1), new ClientRefusal { ClientId = Client(1), ReasonCode = "SPENT", Detail = "…" }).Round;
        var decision = RoundProtocol.OnLedgerAnswered(none, Deadline, Start);
        Assert.Equal(RoundState.Abandoned, decision.Round.State);
        Assert.Collection(decision.Messages, message => Assert.IsType<CommitBudget>(message), message => Assert.IsType<RoundAbandoned>(message));
    }

    [Fact]
    public void Only_an_admitted_update_counts_and_only_once()
    {
        var (round, member) = Accepted();
        var once = RoundProtocol.OnUpdateAdmitted(round, member, Admitted(member));
        Assert.Equal((1, 0, 100L), (once.Round.Admitted, once.Round.Open, once.Round.BytesUp));
        var twice = RoundProtocol.OnUpdateAdmitted(once.Round, once.Member!, Admitted(member));
        Assert.Same(once.Round, twice.Round);
        Assert.Same(once.Round, RoundProtocol.OnUpdateRejected(once.Round, once.Member!, Rejected(member), Context("", Start)).Round);
    }

    [Fact]
    public void A_rejection_that_does_not_answer_the_task_leaves_it_open()
    {
        var (round, member) = Accepted();
        Assert.Same(round, RoundProtocol.OnUpdateRejected(round, member, Rejected(member, isFinal: false), Context("", Start)).Round);
        Assert.Equal(1, RoundProtocol.OnUpdateRejected(round, member, Rejected(member), Context("", Start)).Round.Rejected);
    }

    [Fact]
    public void A_task_that_the_one_worker_of_a_silo_refuses_before_any_lease_is_refunded()
    {
        var (round, member) = Dispatched();
        var decision = RoundProtocol.OnTrainingRefused(round, member with { Address = Routes.Silo(member.ClientId) }, Refused(member));
        Assert.Equal(MemberState.Refused, decision.Member!.State);
        Assert.Equal("REFUSED_BEFORE_LEASE", Assert.IsType<RefundBudget>(Assert.Single(decision.Messages)).ReasonCode);
    }

    [Fact]
    public void A_refusal_of_someone_who_was_not_given_the_task_gives_no_charge_back()
    {
        var (round, member) = Dispatched();
        var silo = member with { Address = Routes.Silo(member.ClientId) };
        var decision = RoundProtocol.OnTrainingRefused(round, silo, Refused(member) with { RefusalSha256 = LeaseToken.RefusalOf("1.guessed") });
        Assert.Same(silo, decision.Member);
        Assert.Empty(decision.Messages);
        Assert.Single(RoundProtocol.OnTrainingRefused(round, silo, Refused(member)).Messages.OfType<RefundBudget>());
    }

    [Fact]
    public void A_task_that_a_worker_of_a_pool_refuses_keeps_its_charge_because_another_one_may_have_taken_it()
    {
        var (round, member) = Dispatched();
        var decision = RoundProtocol.OnTrainingRefused(round, member with { Address = Routes.Pool("a") }, Refused(member));
        Assert.Equal((MemberState.Failed, 1, 0), (decision.Member!.State, decision.Round.Refused, decision.Round.Open));
        Assert.Empty(decision.Messages);
    }

    [Fact]
    public void A_task_refused_after_an_earlier_lease_was_accepted_keeps_its_charge()
    {
        var (round, member) = Accepted();
        var reissued = RoundProtocol.OnTrainingInterrupted(round, member, Interrupted(member, "STOPPING"), Context("token-2", default));
        var again = RoundProtocol.OnDispatched(reissued.Round, reissued.Member!);
        var decision = RoundProtocol.OnTrainingRefused(again.Round, again.Member!, Refused(again.Member!, leaseNumber: 2));
        Assert.Equal(MemberState.Failed, decision.Member!.State);
        Assert.Empty(decision.Messages);
    }

    [Fact]
    public void A_refusal_of_a_task_whose_lease_was_accepted_is_not_believed()
    {
        var (round, member) = Accepted();
        var decision = RoundProtocol.OnTrainingRefused(round, member, Refused(member));
        Assert.Same(member, decision.Member);
        Assert.Empty(decision.Messages);
    }

    [Fact]
    public void Where_workers_draw_noise_a_task_that_was_accepted_goes_to_no_other_and_stays_charged()
    {
        foreach (var (privacy, isIssuedAgain) in new[] { (Local, false), (Example, false), (Central, true) })
        {
            var (round, member) = Accepted();
            var context = new RoundContext(Spec with { Privacy = privacy }, member.LeaseEndsAt!.Value, "token-2");
            foreach (var decision in new[]
            {
                RoundProtocol.OnLeaseEnded(round, member, context),
                RoundProtocol.OnTrainingInterrupted(round, member, Interrupted(member, "STOPPING"), context),
                RoundProtocol.OnTrainingInterrupted(round, member, Interrupted(member, "LEASE_LOST"), context),
            })
            {
                Assert.Equal(isIssuedAgain ? MemberState.Waiting : MemberState.Failed, decision.Member!.State);
                Assert.Equal(isIssuedAgain ? 1 : 0, decision.Round.Open);
                Assert.Empty(decision.Messages);
            }
        }
    }

    [Fact]
    public void A_lease_handed_back_or_ended_is_issued_again_with_a_new_number_and_token()
    {
        var (round, member) = Accepted();
        var handedBack = RoundProtocol.OnTrainingInterrupted(round, member, Interrupted(member, "STOPPING"), Context("token-2", default));
        Assert.Equal((MemberState.Waiting, 2, "2.token-2", 1), (handedBack.Member!.State, handedBack.Member.LeaseNumber, handedBack.Member.LeaseToken, handedBack.Round.Open));
        Assert.Same(member, RoundProtocol.OnLeaseEnded(round, member, Context("token-2", member.LeaseEndsAt!.Value - TimeSpan.FromTicks(1))).Member);
        Assert.Equal(2, RoundProtocol.OnLeaseEnded(round, member, Context("token-2", member.LeaseEndsAt!.Value)).Member!.LeaseNumber);
    }

    [Fact]
    public void Word_of_an_old_lease_changes_nothing()
    {
        var (round, member) = Accepted();
        var reissued = RoundProtocol.OnLeaseEnded(round, member, Context("token-2", member.LeaseEndsAt!.Value));
        var dispatched = RoundProtocol.OnDispatched(reissued.Round, reissued.Member!);
        Assert.Same(dispatched.Member, RoundProtocol.OnLease(dispatched.Round, dispatched.Member!, 1, Lease, Start).Member);
        Assert.Same(dispatched.Member, RoundProtocol.OnTrainingInterrupted(dispatched.Round, dispatched.Member!, Interrupted(member, "FAILED"), Context("x", default)).Member);
        Assert.Same(dispatched.Member, RoundProtocol.OnTrainingRefused(dispatched.Round, dispatched.Member!, Refused(member)).Member);
    }

    [Fact]
    public void A_failed_task_is_answered_and_its_charge_stays()
    {
        var (round, member) = Accepted();
        var decision = RoundProtocol.OnTrainingInterrupted(round, member, Interrupted(member, "FAILED"), Context("token-2", default));
        Assert.Equal((MemberState.Failed, 0, 1), (decision.Member!.State, decision.Round.Open, decision.Round.Refused));
        Assert.Empty(decision.Messages);
    }

    [Fact]
    public void An_update_of_a_worker_that_was_given_up_counts_when_it_is_in_the_book_after_all()
    {
        var (round, member) = Accepted();
        var failed = RoundProtocol.OnTrainingInterrupted(round, member, Interrupted(member, "FAILED"), Context("token-2", default));
        var decision = RoundProtocol.OnUpdateAdmitted(failed.Round, failed.Member!, Admitted(member));
        Assert.Equal((MemberState.Admitted, null), (decision.Member!.State, decision.Member.Detail));
        Assert.Equal((0, 0, 1), (decision.Round.Open, decision.Round.Refused, decision.Round.Admitted));
        Assert.Same(decision.Member, RoundProtocol.OnUpdateAdmitted(decision.Round, decision.Member, Admitted(member)).Member);
    }

    [Fact]
    public void The_round_closes_when_everyone_has_answered_or_at_its_deadline_and_not_before()
    {
        var (round, member) = Accepted(cohort: 2);
        Assert.Same(round, RoundProtocol.OnProgress(round, Start).Round);
        Assert.Same(round, RoundProtocol.OnProgress(round, round.DeadlineAt!.Value - TimeSpan.FromTicks(1)).Round);
        var late = RoundProtocol.OnProgress(round, round.DeadlineAt!.Value);
        Assert.Equal(RoundState.Closing, late.Round.State);
        Assert.IsType<AggregateRound>(Assert.Single(late.Messages));
        Assert.Empty(RoundProtocol.OnProgress(late.Round, round.DeadlineAt!.Value).Messages);

        var one = RoundProtocol.OnUpdateAdmitted(round, member, Admitted(member)).Round;
        Assert.Same(one, RoundProtocol.OnProgress(one, Start).Round);
        Assert.Equal(RoundState.Closing, RoundProtocol.OnProgress(one with { Open = 0 }, Start).Round.State);
    }

    [Fact]
    public void A_target_closes_the_round_only_where_the_run_asks_for_it()
    {
        var (round, member) = Accepted(cohort: 3);
        var admitted = RoundProtocol.OnUpdateAdmitted(round, member, Admitted(member)).Round;
        Assert.Equal(RoundState.Collecting, RoundProtocol.OnProgress(admitted, Start).Round.State);
        Assert.Equal(RoundState.Closing, RoundProtocol.OnProgress(admitted with { Target = 1 }, Start).Round.State);
    }

    [Fact]
    public void A_member_that_never_got_its_task_is_refunded_and_one_that_did_is_not()
    {
        var round = Round(cohort: 1);
        var waiting = RoundProtocol.OnReserved(round, Member(round, 0));
        var decision = RoundProtocol.OnNeverDispatched(waiting.Round, waiting.Member!);
        Assert.Equal("NOT_DISPATCHED", Assert.IsType<RefundBudget>(Assert.Single(decision.Messages)).ReasonCode);
        Assert.Equal(0, decision.Round.Open);

        var (accepted, member) = Accepted();
        Assert.Empty(RoundProtocol.OnNeverDispatched(accepted, member).Messages);
        var reissued = RoundProtocol.OnLeaseEnded(accepted, member, Context("token-2", member.LeaseEndsAt!.Value));
        Assert.Empty(RoundProtocol.OnNeverDispatched(reissued.Round, reissued.Member!).Messages);
    }

    [Fact]
    public void A_model_ends_a_closing_round_and_nothing_else_does()
    {
        var (round, _) = Accepted();
        Assert.Same(round, RoundProtocol.OnAggregated(round, Aggregated(round), Start).Round);
        Assert.Same(round, RoundProtocol.OnAbandoned(round, Messages.Abandoned(round), Start).Round);
        var closing = round with { State = RoundState.Closing };
        Assert.Equal((RoundState.Done, Blob('c')), (RoundProtocol.OnAggregated(closing, Aggregated(round), Start).Round.State, RoundProtocol.OnAggregated(closing, Aggregated(round), Start).Round.Model));
        Assert.IsType<CommitBudget>(Assert.Single(RoundProtocol.OnAbandoned(closing, Messages.Abandoned(round), Start).Messages));
    }

    [Fact]
    public void A_stop_abandons_an_open_round_and_leaves_one_that_is_being_aggregated()
    {
        var (round, _) = Accepted();
        Assert.Equal(RoundState.Abandoned, RoundProtocol.OnStop(round, Start).Round.State);
        var closing = round with { State = RoundState.Closing };
        Assert.Same(closing, RoundProtocol.OnStop(closing, Start).Round);
    }

    private static (Round Round, Member Member) Dispatched(int cohort = 1)
    {
        var round = Round(cohort);
        var member = Member(round, 0);
        for (var i = 1; i < cohort; i++)
        {
            round = RoundProtocol.OnReserved(round, Member(round, i)).Round;
        }

        var reserved = RoundProtocol.OnReserved(round, member);
        var started = RoundProtocol.OnLedgerAnswered(reserved.Round, Deadline, Start);
        var dispatched = RoundProtocol.OnDispatched(started.Round, reserved.Member!);
        return (dispatched.Round, dispatched.Member!);
    }

    private static (Round Round, Member Member) Accepted(int cohort = 1)
    {
        var (round, member) = Dispatched(cohort);
        var decision = RoundProtocol.OnLease(round, member, 1, Lease, Start);
        return (decision.Round, decision.Member!);
    }
}
