using FlEvents.CrashPoints.Tests.Stories;

namespace FlEvents.CrashPoints.Tests;

/// <summary>
/// Scenarios of docs/reliability.md in which a process is killed between two of its steps: it dies there for good and is started again from its disk. Each ends
/// with every client counted and charged once, one model a round, and nothing left behind (<see cref="PlainStory"/>).
/// </summary>
public sealed class ScenarioTests
{
    private const int Tasks = PlainRun.Clients * PlainRun.Rounds;

    [Theory]
    [InlineData("orchestrator.commit.after BudgetReserved"), InlineData("orchestrator.publish.before TrainClient")]
    public async Task S6_an_orchestrator_that_dies_between_a_reservation_and_its_task_dispatches_it_after_its_restart_on_the_same_charge(string point)
    {
        var outcome = await DieAsync("local", point);
        Assert.DoesNotContain(outcome.Hits.Keys, hit => hit.EndsWith(" RefundBudget", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("none"), InlineData("local")]
    public async Task S10_a_worker_that_dies_once_its_update_is_on_the_disk_announces_the_same_bytes_and_does_not_train_again(string mode)
    {
        var outcome = await DieAsync(mode, "client-worker.commit.after TrainingFinished");
        AssertTrainedOnce(outcome);
        Assert.Equal(0, outcome.Hits.GetValueOrDefault("aggregator.publish.after ChargeOutput"));
    }

    [Theory]
    [InlineData(1), InlineData(Tasks)]
    public async Task S11_a_worker_that_dies_between_an_announcement_and_its_note_of_it_repeats_it_and_it_counts_once(int hit)
    {
        var outcome = await DieAsync("local", "client-worker.publish.after UpdateSubmitted", hit);
        Assert.True(outcome.Hits["client-worker.publish.after UpdateSubmitted"] > Tasks, "Nothing was announced again.");
        AssertTrainedOnce(outcome);
    }

    [Theory]
    [InlineData("aggregator.commit.after UpdateSubmitted"), InlineData("aggregator.ack.before UpdateSubmitted")]
    public async Task S13_an_aggregator_that_dies_between_an_update_and_its_acknowledgement_counts_it_once(string point)
    {
        var outcome = await DieAsync("local", point);
        Assert.True(outcome.Hits["aggregator.commit.after UpdateSubmitted"] > Tasks, "The update did not come again.");
    }

    [Theory]
    [InlineData("aggregator.updates.fsync.after"), InlineData("aggregator.commit.after StoreAsync"), InlineData("aggregator.updates.rename.after")]
    public async Task S14_an_aggregator_that_dies_between_an_updates_bytes_and_its_row_takes_it_again_and_leaves_no_orphan(string point) => await DieAsync("none", point);

    [Theory]
    [InlineData("aggregator.unreleased.fsync.after"), InlineData("aggregator.unreleased.folder-fsync.after"), InlineData("aggregator.commit.before CombineAsync")]
    public async Task S17_a_noised_model_that_no_book_names_when_its_process_dies_is_deleted_and_made_anew(string point)
    {
        var outcome = await DieAsync("central", point);
        Assert.Equal(PlainRun.Rounds + 1, outcome.Hits["aggregator.unreleased.fsync.after"]);
    }

    [Theory]
    [InlineData("aggregator.commit.after CombineAsync"), InlineData("aggregator.commit.after BudgetCommitted"), InlineData("aggregator.publish.before RoundAggregated")]
    public async Task S18_a_model_that_its_book_names_when_the_process_dies_is_released_once_and_not_made_again(string point)
    {
        var outcome = await DieAsync("central", point);
        Assert.Equal(PlainRun.Rounds, outcome.Hits["aggregator.unreleased.fsync.after"]);
        Assert.Equal(PlainRun.Rounds, outcome.Remains.Named.Count);
    }

    // The ledger may not have heard of it then, and a bus in memory forgets what it carried.
    [Fact]
    public async Task An_aggregator_that_dies_once_it_has_heard_of_a_runs_end_has_second_outputs_charged_all_the_same()
    {
        var story = new SecondOutputStory();
        var undisturbed = await World.TellAsync(story, [], expected: null);
        var outcome = await World.TellAsync(story, [new Death("aggregator.commit.after RunCompleted")], undisturbed.Remains);
        Assert.Single(outcome.Died);
        Assert.True(outcome.Faults.Count == 0, string.Join('\n', outcome.Faults));
        Assert.True(outcome.Hits["aggregator.publish.after ChargeOutput"] > PlainRun.Clients, "The charge was not asked for again.");
    }

    // One at the very moment of the death may not have been counted.
    private static void AssertTrainedOnce(Outcome outcome) => Assert.InRange(outcome.Hits["client-worker.commit.after TrainingFinished"], Tasks - 1, Tasks);

    private static async Task<Outcome> DieAsync(string mode, string point, int hit = 1)
    {
        var story = new PlainStory(mode);
        var expected = mode == "none" ? (await World.TellAsync(story, [], expected: null)).Remains : null;
        var outcome = await World.TellAsync(story, [new Death(point, hit)], expected);
        Assert.True(outcome.Died.Count == 1, $"Nothing came to {point}.");
        Assert.True(outcome.Faults.Count == 0, string.Join('\n', outcome.Faults));
        return outcome;
    }
}
