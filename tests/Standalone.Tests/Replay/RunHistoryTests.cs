using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Standalone.Replay;
using static FlEvents.Standalone.Tests.Replay.ToldRun;

namespace FlEvents.Standalone.Tests.Replay;

/// <summary>What may follow what in a log.</summary>
public sealed class RunHistoryTests
{
    private static readonly LedgerReceipt Receipt = new() { Sequence = 100, Hash = new string('f', 64) };

    [Fact]
    public void A_cohort_comes_in_pages_and_what_the_ledger_refuses_does_not_start()
    {
        var run = Begun();
        Assert.Null(run.Tell(Page(1, "a", "b")));
        Assert.Null(run.Tell(Page(1, "c")));
        Assert.Null(run.Tell(Reserved(1, "c")));
        Assert.Null(run.Tell(Refused(1, "a", "BUDGET_EXHAUSTED")));
        Assert.StartsWith("2 clients start round 1, and the ledger has charged 1 of 3", run.Tell(Start1(2)), StringComparison.Ordinal);
        Assert.Null(run.Tell(Reserved(1, "b")));
        Assert.Null(run.Tell(Start1(2)));
    }

    [Fact]
    public void The_ledgers_first_answer_counts_and_one_that_comes_again_changes_nothing()
    {
        var run = Started("a", "b");

        Assert.Null(run.Tell(GivenBack(1, "a")));
        Assert.Null(run.Tell(Refused(1, "a", "REFUNDED")));
        Assert.True(run.History.Rounds[0].Tasks["a"] is { IsCharged: true, IsRefunded: true });
        Assert.Equal("a has no charge of round 1 to be given back", run.Tell(GivenBack(1, "a")));
        Assert.Equal("a has no charged task without an update in round 1", run.Tell(Admitted(1, "a")));
    }

    [Fact]
    public void An_update_is_admitted_once_for_its_own_reservation()
    {
        var run = Started("a", "b");

        Assert.Equal("c has no charged task without an update in round 1", run.Tell(Admitted(1, "c")));
        Assert.Contains("which a has in round 1", run.Tell(Admitted(1, "a") with { ReservationId = RunId }), StringComparison.Ordinal);
        Assert.Equal("it names an update that nothing has noised", run.Tell(Admitted(1, "a") with { UpdateSha256 = new string('0', 64) }));
        Assert.Null(run.Tell(Admitted(1, "a")));
        Assert.Equal("a has no charged task without an update in round 1", run.Tell(Admitted(1, "a")));
        Assert.Equal("a has no charge of round 1 to be given back", run.Tell(GivenBack(1, "a")));
    }

    [Fact]
    public void A_run_that_the_Aggregator_can_not_serve_ends_without_a_model()
    {
        var run = new ToldRun();
        Assert.Equal("a log begins with CreateModel, and has one", run.Tell(new ModelRefused { RunId = RunId, Reason = "…" }));
        Assert.Null(run.Tell(new CreateModel { RunId = RunId, Run = Spec }));
        Assert.Equal($"it is of run {Guid.Empty}, the log of run {RunId}", run.Tell(new ModelRefused { RunId = Guid.Empty, Reason = "…" }));
        Assert.Null(run.Tell(new ModelRefused { RunId = RunId, Reason = "…" }));
        Assert.Null(run.Tell(Ended(RunOutcome.Abandoned, null)));
        Assert.Equal("a log begins with CreateModel, and has one", run.Tell(new CreateModel { RunId = RunId, Run = Spec }));
        Assert.Null(run.History.Model);
    }

    // Word of one may come after word of the model.
    [Fact]
    public void An_update_may_be_told_after_its_model_and_after_the_end_but_not_never()
    {
        var run = Started("a", "b");
        Assert.Null(run.Tell(Admitted(1, "a")));
        Assert.Null(run.Tell(Aggregated(1, 2, Receipt)));
        Assert.Null(run.Tell(Ended(RunOutcome.Stopped, Model(1))));
        Assert.Equal("record 7, RoundAggregated", run.History.Unfinished()!.Place);

        Assert.Null(run.Tell(Admitted(1, "b")));
        Assert.Null(run.History.Unfinished());
    }

    [Fact]
    public void Rounds_follow_one_another_from_model_to_model()
    {
        var run = Started("a", "b");
        Assert.Equal("no cohort of round 2 can be drawn here: round 1 is open", run.Tell(Page(2, "a")));
        Assert.Equal("no cohort of round 1 can be drawn here: round 1 is open", run.Tell(Page(1, "c")));
        Assert.Null(run.Tell(Aggregated(1, 0, Receipt)));
        Assert.Equal("round 1 is not open", run.Tell(Abandoned(1)));
        Assert.Equal("no cohort of round 3 can be drawn here: round 1 is over", run.Tell(Page(3, "a")));
        Assert.Null(run.Tell(Page(2, "a")));
        Assert.Null(run.Tell(Reserved(2, "a")));
        Assert.StartsWith("round 2 starts from model aaaa", run.Tell(Start1(1) with { Round = 2 }), StringComparison.Ordinal);
        Assert.Null(run.Tell(Start1(1) with { Round = 2, BaseModel = Model(1) }));
        Assert.Null(run.Tell(Abandoned(2)));
        Assert.Equal(Model(1), run.History.Model);
    }

    [Fact]
    public void A_late_update_counts_once_in_a_later_round_that_its_client_is_not_drawn_for()
    {
        var run = Begun(Spec with { Aggregation = new AggregationSpec { LateRounds = 1 } });
        Assert.Null(run.Tell(Page(1, "a", "b")));
        Assert.Null(run.Tell(Reserved(1, "a", "b")));
        Assert.Null(run.Tell(Start1(2)));
        Assert.Null(run.Tell(Admitted(1, "a")));
        Assert.Null(run.Tell(Aggregated(1, 1, Receipt)));
        var late = Admitted(2, "b") with { RoundsLate = 1, ReservationId = ReservationId.Of(RunId, 1, "b", 1) };
        Assert.StartsWith("b has no charged task", run.Tell(late), StringComparison.Ordinal);

        Assert.Null(run.Tell(Page(2, "a")));
        Assert.Null(run.Tell(Reserved(2, "a")));
        Assert.StartsWith("0 clients start round 2", run.Tell(Start1(0) with { Round = 2, BaseModel = Model(1) }), StringComparison.Ordinal);
        Assert.Null(run.Tell(Start1(2) with { Round = 2, BaseModel = Model(1) }));
        Assert.Equal("an update may be 0 to 1 rounds late, not 2", run.Tell(late with { RoundsLate = 2 }));
        Assert.Equal("a has no charged task without an update in round 1", run.Tell(late with { ClientId = "a" }));
        Assert.Null(run.Tell(late));
        Assert.Equal("b has no charged task without an update in round 1", run.Tell(late));
        Assert.Equal(["b"], run.History.Rounds[1].Updates.Keys);
    }

    [Fact]
    public void A_round_may_be_of_late_updates_alone()
    {
        var run = Begun(Spec with { Aggregation = new AggregationSpec { LateRounds = 1 } });
        Assert.Null(run.Tell(Page(1, "a", "b")));
        Assert.Null(run.Tell(Reserved(1, "a", "b")));
        Assert.Null(run.Tell(Start1(2)));
        Assert.Null(run.Tell(Aggregated(1, 0, Receipt)));
        Assert.Null(run.Tell(Start1(2) with { Round = 2, BaseModel = Model(1) }));
        Assert.Null(run.Tell(Admitted(2, "b") with { RoundsLate = 1, ReservationId = ReservationId.Of(RunId, 1, "b", 1) }));
        Assert.Equal("its receipt names entry 99 of the ledger, which has at least 100 by then", run.Tell(Aggregated(2, 1, Receipt with { Sequence = 99 })));
        Assert.Null(run.Tell(Aggregated(2, 1, Receipt)));
        Assert.Null(run.Tell(Ended(RunOutcome.Completed, Model(2))));
    }

    [Fact]
    public void A_run_ends_once_with_its_last_model_and_no_open_round()
    {
        var run = Started("a", "b");
        Assert.Equal("the run can't end here: round 1 is open", run.Tell(Ended(RunOutcome.Stopped, null)));
        Assert.Null(run.Tell(Aggregated(1, 0, Receipt)));
        Assert.StartsWith("the run ends with model none, and its last round made bbbb", run.Tell(Ended(RunOutcome.Stopped, null)), StringComparison.Ordinal);
        Assert.Equal("the run is completed after 1 of 2 rounds", run.Tell(Ended(RunOutcome.Completed, Model(1))));
        Assert.Null(run.Tell(Ended(RunOutcome.BudgetExhausted, Model(1))));
        Assert.Equal("the run can't end here: it has ended", run.Tell(Ended(RunOutcome.BudgetExhausted, Model(1))));
        Assert.Equal("no cohort of round 2 can be drawn here: round 1 is over", run.Tell(Page(2, "a")));
    }

    [Fact]
    public void A_receipt_names_no_fewer_entries_than_its_charges_have()
    {
        var run = Started("a", "b");

        // Two tasks in two units, charged and then final.
        Assert.Equal("its receipt names entry 7 of the ledger, which has at least 8 by then", run.Tell(Aggregated(1, 0, Receipt with { Sequence = 7 })));
    }

    [Theory]
    [InlineData(1, 2.0, true)]
    [InlineData(2, 1.8, true)]
    [InlineData(2, 2.0, false)]
    [InlineData(1, 2.1, false)]
    public void A_charge_is_what_the_runs_privacy_asks_for_in_its_round(int round, double noiseMultiplier, bool isPlanned)
    {
        var charges = new[] { (PrivacyUnit.Example, noiseMultiplier / 2), (PrivacyUnit.Client, noiseMultiplier) }
            .Select(charge => new PrivacyCharge { Unit = charge.Item1, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = charge.Item2 }).ToList();

        Assert.Equal(isPlanned, PlannedCharges.AreOf(Spec, round, charges));
        Assert.False(PlannedCharges.AreOf(Spec, round, charges[..1]));
    }

    [Theory]
    [InlineData(7), InlineData(8), InlineData(9), InlineData(49), InlineData(50), InlineData(1_000_003)]
    public void What_a_client_declared_need_not_be_known_to_tell_its_charge(int declared)
    {
        var privacy = new PrivacySpec
        {
            Mode = PrivacyMode.Example,
            Example = new ExamplePrivacySpec { ClipNorm = 1, NoiseMultiplier = 1.1, NoiseByExamples = [new ClientNoiseSpec { Examples = 8, NoiseMultiplier = 1 }, new ClientNoiseSpec { Examples = 50, NoiseMultiplier = 0.9 }] },
        };
        var spec = Spec with { Privacy = privacy };
        var charges = PrivacyPlan.Charges(spec, declared, 1);

        Assert.True(PlannedCharges.AreOf(spec, 1, charges));
        Assert.False(PlannedCharges.AreOf(spec, 1, [charges[0] with { NoiseMultiplier = 2 }, charges[1]]));
        Assert.False(PlannedCharges.AreOf(spec, 1, [charges[0] with { Steps = charges[0].Steps + 1 }, charges[1]]));
    }
}
