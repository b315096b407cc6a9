using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.ClientWorker.Tests.Training;

/// <summary>The protocol under every repetition, order and loss of commands and of what happens in the worker.</summary>
public class TrainingTaskPropertyTests
{
    private static readonly TrainClient Command = Commands.Train("ward-000000");
    private static readonly TakeContext InTime = new("worker-a", Command.DeadlineAt - TimeSpan.FromMinutes(1), null);

    // A digit is a step; each is generated about equally often. Two of them are training that gave different bytes.
    private static readonly Func<TrainingTask?, (TrainingTask? Task, IReadOnlyList<object> Messages)>[] Steps =
    [
        task => TrainingTask.On(task, Issue(1), InTime),
        task => TrainingTask.On(task, Issue(2), InTime),
        task => TrainingTask.On(task, Issue(3), InTime),
        task => TrainingTask.On(task, Issue(3), InTime with { Now = Command.DeadlineAt }),
        task => TrainingTask.On(task, Issue(2), InTime with { Obstacle = new TaskEnd(RefusalCode.BadData, "unreadable") }),
        task => Happened(task, new TrainingFinished(ResultOf('a'))),
        task => Happened(task, new TrainingFinished(ResultOf('b'))),
        task => Happened(task, new UpdateStored(task?.Command.LeaseNumber ?? 1)),
        task => Happened(task, new UpdateStored(1)),
        task => Happened(task, new TaskFailed(task?.Command.LeaseNumber ?? 1, "failed")),
        task => Happened(task, new TaskFailed(1, "late", InterruptionCode.LeaseLost)),
        task => Happened(task, new WorkerStopping()),
        task => Happened(task, new RenewalDue("worker-a")),
    ];

    private static readonly Arbitrary<int[]> Histories = Gen.Choose(0, Steps.Length - 1).ArrayOf().ToArbitrary();

    [Fact]
    public void Every_announcement_of_a_reservation_names_the_same_bytes() =>
        Prop.ForAll(Histories, history => Run(history).OfType<UpdateSubmitted>().Select(submitted => submitted.Update).Distinct().Count() <= 1).Check(Thorough);

    [Fact]
    public void A_reservation_is_never_refused_after_it_was_accepted() => Prop.ForAll(
        Histories, history => !Run(history).SkipWhile(message => message is not TrainingAccepted).OfType<TrainingRefused>().Any()).Check(Thorough);

    [Fact]
    public void An_update_is_announced_only_after_acceptance_and_under_the_newest_lease() => Prop.ForAll(Histories, history =>
    {
        var lease = 0;
        foreach (var message in Run(history))
        {
            if (message is UpdateSubmitted submitted && (lease == 0 || LeaseOf(submitted) < lease))
            {
                return false;
            }

            lease = message is TrainingAccepted accepted ? accepted.LeaseNumber : lease;
        }

        return true;
    }).Check(Thorough);

    [Fact]
    public void The_lease_number_never_falls() => Prop.ForAll(Histories, history =>
    {
        TrainingTask? task = null;
        foreach (var step in history)
        {
            var before = task?.Command.LeaseNumber ?? 0;
            task = Steps[step](task).Task;
            if (task?.Command.LeaseNumber < before)
            {
                return false;
            }
        }

        return true;
    }).Check(Thorough);

    [Fact]
    public void A_repeated_step_changes_nothing_more() => Prop.ForAll(Histories, history => history.Aggregate(
        (Task: (TrainingTask?)null, Holds: true),
        (state, step) =>
        {
            var once = Steps[step](state.Task).Task;
            return (once, state.Holds && Equals(once, Steps[step](once).Task));
        }).Holds).Check(Thorough);

    [Fact]
    public void Extra_copies_of_commands_lead_to_the_same_state() => Prop.ForAll(Histories, history =>
    {
        // Each step's command is delivered once more right away, and the first command at the very end.
        var plain = history.Aggregate((TrainingTask?)null, (task, step) => Steps[step](task).Task);
        var noisy = history.Aggregate((TrainingTask?)null, (task, step) => step <= 2 ? Steps[step](Steps[step](task).Task).Task : Steps[step](task).Task);
        return Equals(plain, noisy) && (plain is null || Equals(plain, Steps[0](plain).Task));
    }).Check(Thorough);

    private static Config Thorough => Config.QuickThrowOnFailure.WithMaxTest(2000).WithEndSize(40);

    private static List<object> Run(int[] history)
    {
        TrainingTask? task = null;
        var messages = new List<object>();
        foreach (var step in history)
        {
            (task, var sent) = Steps[step](task);
            messages.AddRange(sent);
        }

        return messages;
    }

    private static (TrainingTask? Task, IReadOnlyList<object> Messages) Happened(TrainingTask? task, TaskEvent happened) =>
        task is null ? (null, []) : TrainingTask.On(task, happened);

    private static TrainClient Issue(int lease) => Commands.Train("ward-000000", leaseNumber: lease) with { DeadlineAt = Command.DeadlineAt };

    private static int LeaseOf(UpdateSubmitted submitted) => Enumerable.Range(1, 3).Single(lease => Issue(lease).LeaseToken == submitted.LeaseToken);

    private static TaskResult ResultOf(char digit) => new()
    {
        Update = new BlobRef { Sha256 = new string(digit, 64), SizeBytes = 100 },
        ExampleCount = 12,
        TrainingLoss = 0.5,
        TrainingSeconds = 1,
    };
}
