using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Testing;

namespace FlEvents.ClientWorker.Tests.Policy;

/// <summary>A worker that is told what its owner does not allow.</summary>
public sealed class ObeyedPolicyTests : IDisposable
{
    private static readonly long ModelBytes = SafetensorsWriter.FileLength(Model.Create(Commands.Model).Layout);
    private readonly TemporaryFolder _folder = new();
    private readonly MemorySink _sink = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_task_that_the_policy_forbids_is_refused_before_it_is_accepted_noted_and_counted_by_its_rule()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, settings: PolicyText.Setting(_folder, """{ "runs": [{ "name": "another study" }] }"""));
        var command = Commands.Train("ward-000000");
        await worker.SendAsync(command);
        var refused = await worker.NextAsync<TrainingRefused>();
        Assert.Equal((command.ReservationId, 1, "OWNER_POLICY"), (refused.ReservationId, refused.LeaseNumber, refused.ReasonCode));
        Assert.Equal("Rule runs: A run of this name may not use data set \"digits\".", refused.Detail);

        // A copy of the command gets the same answer, and is no second refusal.
        await worker.SendAsync(command);
        Assert.Equal(refused, await worker.NextAsync<TrainingRefused>());
        Assert.DoesNotContain(worker.Outbox(), row => row.Type == nameof(TrainingAccepted));
        Assert.Empty(worker.Column("select reservation_id from releases"));
        Assert.Equal(["ward study fedAvg digits runs"], worker.Column("select run_name || ' ' || strategy || ' ' || data_set || ' ' || rule from tasks where accepted_at is null"));
        Assert.Contains("fl_owner_refusals_total{rule=\"runs\"} 1\n", worker.Metrics(), StringComparison.Ordinal);
        Assert.Contains("fl_owner_refusals_total{rule=\"hours\"} 0\n", worker.Metrics(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_that_is_changed_holds_for_the_next_task()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, settings: PolicyText.Setting(_folder, """{ "strategies": ["fedAvg"] }"""));
        await worker.SendAsync(Commands.Train("ward-000000"));
        await worker.NextAsync<UpdateSubmitted>();

        PolicyText.Write(_folder, """{ "models": { "mostParameters": 10 } }""");
        await worker.SendAsync(Commands.Train("ward-000000", round: 2));
        Assert.StartsWith("Rule models: ", (await worker.NextAsync<TrainingRefused>()).Detail, StringComparison.Ordinal);

        PolicyText.Write(_folder, "{ not a policy");
        await worker.SendAsync(Commands.Train("ward-000000", round: 3));
        Assert.StartsWith("Rule policy_file: ", (await worker.NextAsync<TrainingRefused>()).Detail, StringComparison.Ordinal);
    }

    // Three of the day's five tasks fit in full, for all clients together; an evaluation receives a model too.
    [Theory, InlineData("sent", 0, "bytes_sent"), InlineData("sent", -1, "bytes_sent"), InlineData("received", 0, "bytes_received"), InlineData("received", -1, "bytes_received")]
    public async Task A_day_takes_as_many_tasks_as_its_bytes_allow_in_full(string way, int more, string rule)
    {
        var policy = $$"""{ "bytesPerDay": { "{{way}}": {{(3 * ModelBytes) + more}} } }""";
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, settings: PolicyText.Setting(_folder, policy));
        Assert.Equal(ModelBytes, Commands.BaseModel.Length);
        var fit = more < 0 ? 2 : 3;
        for (var client = 0; client < fit; client++)
        {
            await worker.SendAsync(Commands.Train($"ward-00000{client}"));
            await worker.NextAsync<UpdateSubmitted>(update => update.ClientId == $"ward-00000{client}");
        }

        await worker.SendAsync(Commands.Train($"ward-00000{fit}"));
        Assert.StartsWith($"Rule {rule}: ", (await worker.NextAsync<TrainingRefused>()).Detail, StringComparison.Ordinal);
        Assert.Equal([$"{fit * ModelBytes} {fit * ModelBytes}"], worker.Column("select sum(sent_bytes) || ' ' || sum(received_bytes) from tasks"));
    }

    [Fact]
    public async Task An_evaluation_that_the_policy_forbids_scores_no_example_and_is_noted_and_answered_once()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, settings: PolicyText.Setting(_folder, """{ "evaluation": false }"""));
        await worker.SendAsync(Commands.Evaluate("ward-000001"));
        await worker.SendAsync(Commands.Evaluate("ward-000001"));

        var answer = await worker.NextAsync<EvaluationSubmitted>();
        Assert.Equal((1, 0, 0.0, null, null), (answer.Version, answer.ExampleCount, answer.LossSum, answer.CorrectCount, answer.AbsoluteErrorSum));

        // One after the other: when the task is refused both were looked at.
        await worker.SendAsync(Commands.Train("nobody"));
        await worker.NextAsync<TrainingRefused>();
        Assert.Equal(["1"], worker.Column("select count(*) from outbox where type = 'EvaluationSubmitted'"));
        Assert.Equal(["evaluation"], worker.Column("select rule from evaluations"));
        Assert.Contains("fl_owner_refusals_total{rule=\"evaluation\"} 1\n", worker.Metrics(), StringComparison.Ordinal);
    }

    // A refusal proves that nothing has left the client: of a task that was accepted once it would not.
    [Fact]
    public async Task A_task_that_was_accepted_before_is_failed_and_not_refused_when_the_policy_changes()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, settings: PolicyText.Setting(_folder, "{}"));
        var command = Commands.Train("ward-000000");
        await worker.StoreAsync(new TrainingTask { Command = command, State = TaskState.Interrupted, End = new TaskEnd(InterruptionCode.Stopping, "The worker stops.") });
        PolicyText.Write(_folder, """{ "strategies": ["fedAvg"], "models": { "kinds": ["cnn"] } }""");
        await worker.SendAsync(Commands.Train("ward-000000", leaseNumber: 2));
        var interrupted = await worker.NextAsync<TrainingInterrupted>();
        Assert.Equal((2, "FAILED"), (interrupted.LeaseNumber, interrupted.ReasonCode));
        Assert.StartsWith("Rule models: ", interrupted.Detail, StringComparison.Ordinal);
    }
}
