using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Tests.Training;

public class TrainingTaskTests
{
    private static readonly TrainClient First = Commands.Train("ward-000000");
    private static readonly TrainClient Reissued = Commands.Train("ward-000000", leaseNumber: 2) with { DeadlineAt = First.DeadlineAt };
    private static readonly TakeContext InTime = new("worker-a", First.DeadlineAt - TimeSpan.FromMinutes(1), null);
    private static readonly TakeContext TooLate = InTime with { Now = First.DeadlineAt };
    private static readonly TakeContext NoData = InTime with { Obstacle = new TaskEnd(RefusalCode.BadData, "Data set digits can't be read.") };
    private static readonly TaskResult Result = ResultOf('a');

    [Fact]
    public void A_new_command_is_accepted_and_says_so()
    {
        var (task, messages) = TrainingTask.On(null, First, InTime);
        Assert.Equal(TaskState.Accepted, task.State);
        var accepted = Assert.IsType<TrainingAccepted>(Assert.Single(messages));
        Assert.Equal((First.ReservationId, 1, "worker-a"), (accepted.ReservationId, accepted.LeaseNumber, accepted.WorkerId));
    }

    [Fact]
    public void A_command_at_its_deadline_is_refused_as_expired()
    {
        var (task, messages) = TrainingTask.On(null, First, TooLate);
        Assert.Equal(TaskState.Refused, task.State);
        Assert.Equal(RefusalCode.Expired, Assert.IsType<TrainingRefused>(Assert.Single(messages)).ReasonCode);
    }

    [Fact]
    public void An_obstacle_is_the_reason_of_the_refusal()
    {
        var refused = Assert.IsType<TrainingRefused>(Assert.Single(TrainingTask.On(null, First, NoData).Messages));
        Assert.Equal((RefusalCode.BadData, "Data set digits can't be read."), (refused.ReasonCode, refused.Detail));
    }

    [Fact]
    public void Training_alone_announces_nothing_and_the_stored_update_does()
    {
        var (trained, none) = TrainingTask.On(Accepted(), new TrainingFinished(Result));
        Assert.Empty(none);
        Assert.Equal(TaskState.Trained, trained.State);
        var (announced, messages) = TrainingTask.On(trained, new UpdateStored(1));
        Assert.Equal(TaskState.Announced, announced.State);
        var submitted = Assert.IsType<UpdateSubmitted>(Assert.Single(messages));
        Assert.Equal((Result.Update, First.LeaseToken, First.BaseModel.Sha256), (submitted.Update, submitted.LeaseToken, submitted.BaseModelSha256));
    }

    [Fact]
    public void The_same_command_again_is_ignored_while_the_task_is_worked_on()
    {
        foreach (var task in new[] { Accepted(), Trained() })
        {
            var (after, messages) = TrainingTask.On(task, First, InTime);
            Assert.Same(task, after);
            Assert.Empty(messages);
        }
    }

    [Fact]
    public void The_same_command_again_repeats_the_end_of_a_finished_task_even_past_the_deadline()
    {
        var announced = Announced();
        var (after, messages) = TrainingTask.On(announced, First, TooLate);
        Assert.Same(announced, after);
        Assert.Equal(Result.Update, Assert.IsType<UpdateSubmitted>(Assert.Single(messages)).Update);
    }

    [Fact]
    public void A_task_in_hand_adopts_a_higher_lease_and_announces_under_its_token()
    {
        var (adopted, messages) = TrainingTask.On(Accepted(), Reissued, InTime);
        Assert.Equal(2, Assert.IsType<TrainingAccepted>(Assert.Single(messages)).LeaseNumber);
        var (trained, _) = TrainingTask.On(adopted, new TrainingFinished(Result));
        var submitted = TrainingTask.On(trained, new UpdateStored(2)).Messages.OfType<UpdateSubmitted>();
        Assert.Equal(Reissued.LeaseToken, Assert.Single(submitted).LeaseToken);
    }

    [Fact]
    public void What_an_upload_under_an_earlier_lease_gave_does_not_count_for_the_adopted_one()
    {
        var (adopted, _) = TrainingTask.On(Trained(), Reissued, InTime);
        Assert.Empty(TrainingTask.On(adopted, new UpdateStored(1)).Messages);
        Assert.Equal(TaskState.Trained, TrainingTask.On(adopted, new TaskFailed(1, "refused")).Task.State);
    }

    [Fact]
    public void A_finished_task_that_is_issued_again_keeps_its_update_and_can_announce_it_without_training()
    {
        var (again, messages) = TrainingTask.On(Announced(), Reissued, InTime);
        Assert.Equal((TaskState.Accepted, Result), (again.State, again.Result));
        Assert.IsType<TrainingAccepted>(Assert.Single(messages));
        var submitted = Assert.IsType<UpdateSubmitted>(Assert.Single(TrainingTask.On(again, new UpdateStored(2)).Messages));
        Assert.Equal((Result.Update, Reissued.LeaseToken), (submitted.Update, submitted.LeaseToken));
    }

    [Fact]
    public void Other_bytes_than_those_announced_are_never_announced()
    {
        var (again, _) = TrainingTask.On(Announced(), Reissued, InTime);
        var (after, messages) = TrainingTask.On(again, new TrainingFinished(ResultOf('b')));
        Assert.Equal((TaskState.Interrupted, Result), (after.State, after.Result));
        Assert.Equal(InterruptionCode.Failed, Assert.IsType<TrainingInterrupted>(Assert.Single(messages)).ReasonCode);
    }

    [Fact]
    public void A_lower_lease_is_ignored()
    {
        var (adopted, _) = TrainingTask.On(Accepted(), Reissued, InTime);
        Assert.Empty(TrainingTask.On(adopted, First, InTime).Messages);
        var (announced, _) = TrainingTask.On(TrainingTask.On(Announced(), Reissued, InTime).Task, new UpdateStored(2));
        Assert.Empty(TrainingTask.On(announced, First, InTime).Messages);
    }

    [Fact]
    public void A_reservation_that_was_accepted_once_is_interrupted_and_not_refused_when_it_comes_again_too_late()
    {
        var (stopped, _) = TrainingTask.On(Accepted(), new WorkerStopping());
        var (after, messages) = TrainingTask.On(stopped, Reissued, TooLate);
        Assert.Equal(TaskState.Interrupted, after.State);
        Assert.Equal(2, Assert.IsType<TrainingInterrupted>(Assert.Single(messages)).LeaseNumber);
        Assert.IsType<UpdateSubmitted>(Assert.Single(TrainingTask.On(Announced(), Reissued, TooLate).Messages));
    }

    [Fact]
    public void A_stop_hands_the_lease_back_without_bytes_and_keeps_the_task_with_them()
    {
        var (stopped, messages) = TrainingTask.On(Accepted(), new WorkerStopping());
        Assert.Equal(TaskState.Interrupted, stopped.State);
        Assert.Equal(InterruptionCode.Stopping, Assert.IsType<TrainingInterrupted>(Assert.Single(messages)).ReasonCode);
        Assert.Equal(TaskState.Trained, TrainingTask.On(Trained(), new WorkerStopping()).Task.State);
    }

    [Fact]
    public void A_lost_lease_ends_a_task_unless_it_was_announced()
    {
        var (lost, messages) = TrainingTask.On(Trained(), new TaskFailed(1, "late", InterruptionCode.LeaseLost));
        Assert.Equal(TaskState.Interrupted, lost.State);
        var interrupted = Assert.IsType<TrainingInterrupted>(Assert.Single(messages));
        Assert.Equal((InterruptionCode.LeaseLost, "late", 1), (interrupted.ReasonCode, interrupted.Detail, interrupted.LeaseNumber));
        Assert.Equal(TaskState.Announced, TrainingTask.On(Announced(), new TaskFailed(1, "late", InterruptionCode.LeaseLost)).Task.State);
    }

    [Fact]
    public void Only_a_task_in_hand_renews_its_lease()
    {
        Assert.IsType<LeaseRenewed>(Assert.Single(TrainingTask.On(Accepted(), new RenewalDue("worker-a")).Messages));
        Assert.Empty(TrainingTask.On(Announced(), new RenewalDue("worker-a")).Messages);
    }

    [Fact]
    public void A_slot_is_needed_for_new_work_only()
    {
        Assert.True(TrainingTask.NeedsSlot(null, First));
        Assert.False(TrainingTask.NeedsSlot(Accepted(), Reissued));
        Assert.False(TrainingTask.NeedsSlot(Announced(), First));
        Assert.True(TrainingTask.NeedsSlot(Announced(), Reissued));
    }

    private static TrainingTask Accepted() => TrainingTask.On(null, First, InTime).Task;

    private static TrainingTask Trained() => TrainingTask.On(Accepted(), new TrainingFinished(Result)).Task;

    private static TrainingTask Announced() => TrainingTask.On(Trained(), new UpdateStored(1)).Task;

    private static TaskResult ResultOf(char digit) => new()
    {
        Update = new BlobRef { Sha256 = new string(digit, 64), SizeBytes = 100 },
        ExampleCount = 12,
        TrainingLoss = 0.5,
        TrainingSeconds = 1,
    };
}
