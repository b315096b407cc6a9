using FlEvents.ClientWorker.Training;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Testing;

namespace FlEvents.ClientWorker.Tests;

public sealed class ClientWorkerServiceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MemorySink _sink = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_task_is_accepted_trained_uploaded_and_announced()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink);
        var command = Commands.Train("ward-000003");
        await worker.SendAsync(command);
        Assert.Equal("worker-a", (await worker.NextAsync<TrainingAccepted>()).WorkerId);
        var submitted = await worker.NextAsync<UpdateSubmitted>();
        Assert.Equal((command.ReservationId, command.LeaseToken), (submitted.ReservationId, submitted.LeaseToken));
        Assert.Equal(command.BaseModel.Sha256, submitted.BaseModelSha256);
        Assert.Equal(Commands.RefOf(_sink.Updates[command.ReservationId]), submitted.Update);

        // 60 images for 5 clients, a fifth of which, rounded down, is kept for validation.
        Assert.Equal(10, submitted.ExampleCount);
        Assert.InRange(submitted.TrainingLoss!.Value, 0.01, 10);
        Assert.NotNull(submitted.TrainingSeconds);
        Assert.Contains(Weights(submitted), weight => weight != 0);

        // A stop waits for the tasks in hand; the announcement is out before the bytes are deleted.
        await worker.StopAsync();
        Assert.Empty(Directory.EnumerateFiles(_folder.File("updates")));
    }

    [Fact]
    public async Task S8_the_same_message_again_leads_to_one_announcement_and_a_new_copy_to_the_same_one()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink);
        var (command, messageId) = (Commands.Train("ward-000000"), Guid.NewGuid());
        await worker.SendAsync(command, messageId);
        var first = await worker.NextAsync<UpdateSubmitted>();
        await worker.SendAsync(command, messageId);
        await worker.SendAsync(command);
        var again = await worker.NextAsync<UpdateSubmitted>();
        Assert.Equal(first, again);
        var announced = worker.Outbox().Count(row => row == ("UpdateSubmitted", command.ReservationId));
        Assert.Equal(2, announced);
        Assert.Single(worker.Outbox(), row => row.Type == "TrainingAccepted");
    }

    [Fact]
    public async Task An_update_that_was_finished_before_a_stop_is_announced_after_the_start_without_training_again()
    {
        using var engine = new HeldEngine();
        engine.Release();
        _sink.Fault = () => new HttpRequestException("The store is away.");
        var command = Commands.Train("ward-000000");
        string trained;
        await using (var first = await WorkerHost.StartAsync(_folder, _sink, engine))
        {
            await first.SendAsync(command);
            await _sink.Failed.Task;
            trained = (await first.Tasks.FindAsync(command.ReservationId))!.Result!.Update.Sha256;
        }

        Assert.Equal(trained, Path.GetFileName(Assert.Single(Directory.EnumerateFiles(_folder.File("updates")))));
        _sink.Fault = null;
        await using var second = await WorkerHost.StartAsync(_folder, _sink, engine);
        Assert.Equal(trained, (await second.NextAsync<UpdateSubmitted>()).Update.Sha256);
        Assert.Equal(1, engine.Jobs);
    }

    [Fact]
    public async Task A_task_that_a_killed_process_has_left_gives_the_same_bytes()
    {
        var command = Commands.Train("ward-000000");
        using var undisturbed = new TemporaryFolder();
        await using var other = await WorkerHost.StartAsync(undisturbed, new MemorySink());
        await other.SendAsync(command);
        var expected = await other.NextAsync<UpdateSubmitted>();

        await using (var killed = await WorkerHost.StartAsync(_folder, _sink))
        {
            // Accepted, and nothing more: what is in the database when the process dies in training.
            await killed.StoreAsync(new TrainingTask { Command = command, State = TaskState.Accepted });
        }

        await using var restarted = await WorkerHost.StartAsync(_folder, _sink);
        Assert.Equal(expected.Update, (await restarted.NextAsync<UpdateSubmitted>()).Update);
    }

    [Fact]
    public async Task The_number_of_slots_does_not_change_a_byte()
    {
        var updates = new List<Dictionary<string, BlobRef>>();
        foreach (var slots in new[] { 1, 4 })
        {
            using var folder = new TemporaryFolder();
            await using var worker = await WorkerHost.StartAsync(folder, new MemorySink(), slots: slots);
            foreach (var index in Enumerable.Range(0, 5))
            {
                await worker.SendAsync(Commands.Train($"ward-{index:000000}"));
            }

            var found = new Dictionary<string, BlobRef>();
            while (found.Count < 5)
            {
                var submitted = await worker.NextAsync<UpdateSubmitted>();
                found.Add(submitted.ClientId, submitted.Update);
            }

            updates.Add(found);
        }

        Assert.Equal(updates[0].OrderBy(entry => entry.Key), updates[1].OrderBy(entry => entry.Key));
        Assert.Equal(5, updates[0].Values.Distinct().Count());
    }

    [Fact]
    public async Task With_one_slot_the_next_task_trains_while_an_update_is_under_way_and_no_further_one_is_taken()
    {
        using var engine = new HeldEngine();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _sink.Gate = gate.Task;
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, engine);
        var commands = Enumerable.Range(0, 5).Select(index => Commands.Train($"ward-{index:000000}")).ToList();
        foreach (var command in commands)
        {
            await worker.SendAsync(command);
        }

        await engine.Begun.WaitAsync();
        Assert.Equal(["TrainingAccepted"], worker.Outbox().Select(row => row.Type));
        engine.Release();
        await _sink.Begun.WaitAsync();
        await engine.Begun.WaitAsync();
        await worker.TrainedAsync(commands[1].ReservationId);
        Assert.Equal(2, engine.Jobs);
        Assert.Equal(["TrainingAccepted", "TrainingAccepted"], worker.Outbox().Select(row => row.Type));

        gate.SetResult();
        foreach (var _ in commands)
        {
            await worker.NextAsync<UpdateSubmitted>();
        }
    }

    [Fact]
    public async Task A_host_that_is_disposed_without_a_stop_lets_its_training_end()
    {
        using var engine = new HeldEngine();
        var worker = await WorkerHost.StartAsync(_folder, _sink, engine);
        await worker.SendAsync(Commands.Train("ward-000000"));
        await engine.Begun.WaitAsync();
        await worker.ThrowAwayAsync();
    }

    [Fact]
    public async Task A_stop_hands_the_lease_back_and_takes_nothing_that_waits()
    {
        using var engine = new HeldEngine();
        var worker = await WorkerHost.StartAsync(_folder, _sink, engine);
        var (first, second) = (Commands.Train("ward-000000"), Commands.Train("ward-000001"));
        await worker.SendAsync(first);
        await engine.Begun.WaitAsync();
        await worker.SendAsync(second);
        await worker.StopAsync();
        Assert.Equal([("TrainingAccepted", first.ReservationId), ("TrainingInterrupted", first.ReservationId)], worker.Outbox());
        Assert.Equal(0, worker.Unsent());

        engine.Release();
        await using var restarted = await WorkerHost.StartAsync(_folder, _sink, engine);
        Assert.Equal(InterruptionCode.Stopping, (await restarted.NextAsync<TrainingInterrupted>()).ReasonCode);
        await restarted.SendAsync(Commands.Train("ward-000000", leaseNumber: 2));
        Assert.Equal(2, (await restarted.NextAsync<TrainingAccepted>(accepted => accepted.LeaseNumber > 1)).LeaseNumber);
        await restarted.NextAsync<UpdateSubmitted>();
    }

    [Fact]
    public async Task A_task_in_training_adopts_a_higher_lease_without_a_slot_of_its_own()
    {
        using var engine = new HeldEngine();
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, engine);
        await worker.SendAsync(Commands.Train("ward-000000"));
        await engine.Begun.WaitAsync();
        var reissued = Commands.Train("ward-000000", leaseNumber: 2);
        await worker.SendAsync(reissued);
        await worker.NextAsync<TrainingAccepted>(accepted => accepted.LeaseNumber == 2);
        engine.Release();
        Assert.Equal(reissued.LeaseToken, (await worker.NextAsync<UpdateSubmitted>()).LeaseToken);
        Assert.Equal([reissued.LeaseToken], _sink.Tokens);
        Assert.Equal(1, engine.Jobs);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_finished_task_that_is_issued_again_announces_the_same_update_under_the_new_token(bool storeKeptIt)
    {
        using var engine = new HeldEngine();
        engine.Release();
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, engine);
        await worker.SendAsync(Commands.Train("ward-000000"));
        var first = await worker.NextAsync<UpdateSubmitted>();
        if (!storeKeptIt)
        {
            _sink.Updates.Clear();
        }

        var reissued = Commands.Train("ward-000000", leaseNumber: 2);
        await worker.SendAsync(reissued);
        Assert.Equal(first with { LeaseNumber = 2, LeaseToken = reissued.LeaseToken }, await worker.NextAsync<UpdateSubmitted>());
        Assert.Equal(storeKeptIt ? 1 : 2, engine.Jobs);
        Assert.True(_sink.Updates.ContainsKey(reissued.ReservationId));
    }

    [Fact]
    public async Task What_can_not_be_trained_is_refused_with_its_reason()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink);
        var good = Commands.Train("ward-000000");
        foreach (var (command, code) in new[]
        {
            (good with { DeadlineAt = DateTimeOffset.UnixEpoch }, RefusalCode.Expired),
            (Commands.Train("ward-000005"), RefusalCode.UnknownClient),
            (Commands.Train("ward-000001") with { Data = new DataSpec { DataSet = "xrays" } }, RefusalCode.UnknownDataSet),
            (Commands.Train("ward-000002") with { Model = Commands.Model with { Outputs = 5 } }, RefusalCode.BadData),
        })
        {
            await worker.SendAsync(command);
            var refused = await worker.NextAsync<TrainingRefused>();
            Assert.Equal((command.ReservationId, code), (refused.ReservationId, refused.ReasonCode));
        }

        // None of them has kept the one slot.
        await worker.SendAsync(Commands.Train("ward-000003"));
        await worker.NextAsync<UpdateSubmitted>();
    }

    [Fact]
    public async Task A_base_model_of_another_layout_interrupts_the_task_and_names_the_tensor()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink);
        await worker.SendAsync(Commands.Train("ward-000000") with { Model = Commands.Model with { Outputs = 12 } });
        var interrupted = await worker.NextAsync<TrainingInterrupted>();
        Assert.Equal(InterruptionCode.Failed, interrupted.ReasonCode);
        Assert.Contains("The tensor \"0.weight\" has the shape [10, 784]; expected [12, 784].", interrupted.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_upload_interrupts_the_task_and_keeps_no_bytes()
    {
        _sink.Fault = () => new UploadRefusedException("The lease token is not good any more.");
        await using var worker = await WorkerHost.StartAsync(_folder, _sink);
        await worker.SendAsync(Commands.Train("ward-000000"));
        Assert.Equal("The lease token is not good any more.", (await worker.NextAsync<TrainingInterrupted>()).Detail);
        _sink.Fault = null;
        await worker.SendAsync(Commands.Train("ward-000001"));
        await worker.NextAsync<UpdateSubmitted>();

        // A stop waits for the tasks in hand; the announcement is out before the bytes are deleted.
        await worker.StopAsync();
        Assert.Empty(Directory.EnumerateFiles(_folder.File("updates")));
    }

    [Fact]
    public async Task An_evaluation_is_answered_once_and_not_after_its_deadline()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink);
        var command = Commands.Evaluate("ward-000000");
        await worker.SendAsync(command);
        var answer = await worker.NextAsync<EvaluationSubmitted>();
        Assert.Equal((Commands.RunId, 1, "ward-000000", 2), (answer.RunId, answer.Version, answer.ClientId, answer.ExampleCount));
        Assert.InRange(answer.LossSum, 0.01, 20);
        Assert.InRange(answer.CorrectCount!.Value, 0, 2);
        await worker.SendAsync(command);
        await worker.SendAsync(Commands.Evaluate("ward-000001") with { DeadlineAt = DateTimeOffset.UnixEpoch });
        await worker.SendAsync(Commands.Evaluate("ward-000002"));
        Assert.Equal("ward-000002", (await worker.NextAsync<EvaluationSubmitted>()).ClientId);
    }

    [Fact]
    public async Task A_pool_enrols_its_clients_in_pages_and_each_start_anew()
    {
        (string, string)[] large = [("ClientWorker:Clients", "300"), ("ClientWorker:DataSets:digits:Count", "650"), ("ClientWorker:Owner", "county")];
        foreach (var _ in new[] { 1, 2 })
        {
            await using var worker = await WorkerHost.StartAsync(_folder, _sink, settings: large);
            List<EnrollClient> pages = [];
            for (var page = 0; page < 4; page++)
            {
                pages.Add(await worker.NextAsync<EnrollClient>());
            }

            Assert.All(pages, page => Assert.Equal(("worker-a", "ward"), (page.WorkerId, page.Pool)));
            var clients = pages.SelectMany(page => page.Clients).OrderBy(client => client.ClientId, StringComparer.Ordinal).ToList();
            Assert.Equal([300 - (3 * Page.LargestOffered), Page.LargestOffered, Page.LargestOffered, Page.LargestOffered], pages.Select(page => page.Clients.Count).Order());
            Assert.Equal(Enumerable.Range(0, 300).Select(index => $"ward-{index:000000}"), clients.Select(client => client.ClientId));
            Assert.Equal(650, clients.Sum(client => client.DataSets.Single().ExampleCount));
            Assert.Equal(
                new LedgerIdentity { Owner = "county", DataSet = "digits", PartitionRule = "iid/300", PartitionSeed = 1, PartitionIndex = 299 },
                clients[299].DataSets.Single().Ledger);
        }
    }

    [Fact]
    public async Task A_silo_enrols_itself_with_its_whole_data_and_takes_tasks_from_its_own_exchange()
    {
        await using var worker = await WorkerHost.StartAsync(
            _folder, _sink, settings: [("ClientWorker:Pool", null!), ("ClientWorker:Clients", null!), ("ClientWorker:ClientId", "clinic")]);
        var offered = await worker.NextAsync<EnrollClient>();
        Assert.Null(offered.Pool);
        var data = Assert.Single(Assert.Single(offered.Clients).DataSets);
        Assert.Equal(new LedgerIdentity { Owner = "clinic", DataSet = "digits", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 }, data.Ledger);
        Assert.Equal(60, data.ExampleCount);
        await worker.SendAsync(Commands.Train("clinic"), exchange: "fl-silo-clinic");
        Assert.Equal(48, (await worker.NextAsync<UpdateSubmitted>()).ExampleCount);
    }

    [Fact]
    public async Task The_first_heartbeat_comes_with_the_start()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, slots: 3, settings: ("ClientWorker:HeartbeatSeconds", "3600"));
        var heartbeat = await worker.NextAsync<WorkerHeartbeat>();
        Assert.Equal(new WorkerHeartbeat { WorkerId = "worker-a", Pool = "ward", ClientId = null, Slots = 3, Running = 0 }, heartbeat);
    }

    [Fact]
    public async Task A_later_rounds_task_forgets_what_is_final()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink);
        foreach (var round in new[] { 1, 2, 3 })
        {
            await worker.SendAsync(Commands.Train("ward-000000", round));
            await worker.NextAsync<UpdateSubmitted>();
        }

        Assert.Null(await worker.Tasks.FindAsync(ReservationId.Of(Commands.RunId, 1, "ward-000000", 1)));
        Assert.NotNull(await worker.Tasks.FindAsync(ReservationId.Of(Commands.RunId, 2, "ward-000000", 1)));

        // The owner's record of it stays.
        Assert.Equal(["Announced", "Announced", "Announced"], worker.Column("select state from tasks order by round"));
    }

    [Fact]
    public async Task Every_metric_is_served_with_a_sentence()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink);
        await worker.SendAsync(Commands.Train("ward-000000"));
        await worker.NextAsync<UpdateSubmitted>();
        await worker.SendAsync(Commands.Train("ward-000001") with { Model = Commands.Model with { Outputs = 12 } });
        await worker.NextAsync<TrainingInterrupted>();

        // The message is on its way before the worker has counted it.
        const string Interrupted = "\nfl_training_interrupted_total{reason=\"FAILED\"} 1\n";
        while (!worker.Metrics().Contains(Interrupted, StringComparison.Ordinal))
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        var text = worker.Metrics();
        string[] names =
        [
            "fl_training_tasks_running", "fl_training_tasks_queued", "fl_training_duration_seconds", "fl_training_examples_total", "fl_upload_bytes_total",
            "fl_training_interrupted_total",
        ];
        Assert.All(names, name => Assert.Matches($"# HELP {name} [A-Z].*\\.\n# TYPE {name} ", text));

        // Ten examples, two passes.
        Assert.Contains("\nfl_training_examples_total 20\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Both_commands_share_one_queue_from_which_as_many_messages_are_taken_as_there_are_slots()
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, slots: 3);
        var topology = worker.Topology();
        Assert.Contains("fl-pool-ward\",\"prefetchCount\":3,\"concurrentMessageLimit\":3", topology, StringComparison.Ordinal);
        Assert.DoesNotContain("FlEvents.Contracts:TrainClient", topology, StringComparison.Ordinal);
        Assert.DoesNotContain("FlEvents.Contracts:EvaluateModel", topology, StringComparison.Ordinal);
    }

    private float[] Weights(UpdateSubmitted submitted)
    {
        var bytes = _sink.Updates[submitted.ReservationId];
        using var stream = new MemoryStream(bytes);
        return SafetensorsHeader.Read(stream, bytes.Length).ReadWeights(stream, Model.Create(Commands.Model).Layout);
    }
}
