using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Backup;
using FlEvents.Testing;

namespace FlEvents.ClientWorker.Tests;

/// <summary>A worker whose database was put back from a backup: it may have forgotten what it took, trained and sent since.</summary>
public sealed class RestoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MemorySink _sink = new();
    private readonly TrainClient _command = Commands.Train("ward-000001") with
    {
        Training = Commands.Train("ward-000001").Training with { ValidationFraction = 0 },
        Privacy = new TaskPrivacy { DpSgd = null, ClipNorm = 1, NoiseMultiplier = 1 },
        Charges =
        [
            new PrivacyCharge { Unit = PrivacyUnit.Example, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = 0.5 },
            new PrivacyCharge { Unit = PrivacyUnit.Client, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = 0.5 },
        ],
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_restored_worker_makes_no_second_output_of_a_task_that_it_knows()
    {
        using var engine = new HeldEngine();
        Snapshot backup;
        await using (var worker = await WorkerHost.StartAsync(_folder, _sink, engine))
        {
            await worker.SendAsync(_command);
            await worker.NextAsync<TrainingAccepted>();
            backup = BackUp();
            engine.Release();
            await worker.NextAsync<UpdateSubmitted>();
        }

        var sent = _sink.Updates[_command.ReservationId];
        Restore();
        await using var restored = await WorkerHost.StartAsync(_folder, _sink, engine);

        var interrupted = await restored.NextAsync<TrainingInterrupted>();
        Assert.Equal((_command.ReservationId, 1, "FAILED"), (interrupted.ReservationId, interrupted.LeaseNumber, interrupted.ReasonCode));
        Assert.Contains("restored from a backup", interrupted.Detail, StringComparison.Ordinal);
        await restored.SendAsync(_command);
        Assert.Equal(interrupted, await restored.NextAsync<TrainingInterrupted>());
        Assert.Equal((1, sent), (engine.Jobs, _sink.Updates[_command.ReservationId]));
        Assert.NotEqual(Guid.Empty, backup.SnapshotId);
    }

    // The update store knows the first update of the task, and has the second charged (UpdateCollectionTests of the Aggregator).
    [Fact]
    public async Task A_task_that_a_restored_worker_has_forgotten_gives_other_noise_under_the_same_reservation()
    {
        await using (var worker = await WorkerHost.StartAsync(_folder, _sink))
        {
            BackUp();
            await worker.SendAsync(_command);
            await worker.NextAsync<UpdateSubmitted>();
        }

        var first = _sink.Updates[_command.ReservationId];
        Restore();
        await using var restored = await WorkerHost.StartAsync(_folder, _sink);
        await restored.SendAsync(_command);

        var second = await restored.NextAsync<UpdateSubmitted>(message => message.Update != Commands.RefOf(first));
        Assert.Equal((_command.ReservationId, 2), (second.ReservationId, _sink.Tokens.Count));
    }

    // A refusal proves that nothing has left the client, and its charge is given back. Of a task that it may have trained before it proves nothing.
    [Fact]
    public async Task A_restored_worker_refuses_no_task_it_fails()
    {
        var unknown = _command with { Data = new DataSpec { DataSet = "unheard-of" } };
        await using (var worker = await WorkerHost.StartAsync(_folder, _sink))
        {
            BackUp();
            await worker.SendAsync(unknown);
            Assert.Equal("UNKNOWN_DATA_SET", (await worker.NextAsync<TrainingRefused>()).ReasonCode);
        }

        Restore();
        await using var restored = await WorkerHost.StartAsync(_folder, _sink);
        await restored.SendAsync(unknown);
        await restored.SendAsync(Commands.Train("ward-000002") with { DeadlineAt = TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(1) });

        Assert.Equal("FAILED", (await restored.NextAsync<TrainingInterrupted>(message => message.ClientId == "ward-000001")).ReasonCode);
        Assert.Contains("after its deadline", (await restored.NextAsync<TrainingInterrupted>(message => message.ClientId == "ward-000002")).Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(restored.Outbox(), row => row.Type == nameof(TrainingRefused));
    }

    // The owner's books lack what left since: a limit that they count against would be exceeded unseen.
    [Fact]
    public async Task Where_the_owner_has_limits_a_restored_worker_takes_no_task_until_the_owner_has_counted_what_its_books_lack()
    {
        var limits = new[] { PolicyText.Setting(_folder, """{ "privacy": { "example": { "inAll": { "rho": 100 } }, "client": { "inAll": { "rho": 100 } } } }""") };
        Snapshot backup;
        await using (var worker = await WorkerHost.StartAsync(_folder, _sink, settings: limits))
        {
            backup = BackUp();
        }

        Restore();
        await using (var restored = await WorkerHost.StartAsync(_folder, _sink, settings: limits))
        {
            await restored.SendAsync(_command);
            Assert.Contains($"restored from backup {backup.SnapshotId}", (await restored.NextAsync<TrainingInterrupted>()).Detail, StringComparison.Ordinal);
            Assert.Empty(_sink.Updates);
        }

        await using var counted = await WorkerHost.StartAsync(_folder, _sink, settings: [.. limits, ("ClientWorker:CountedRestores:0", $"{backup.SnapshotId}")]);
        await counted.SendAsync(_command with { Attempt = 2, ReservationId = ReservationId.Of(_command.RunId, _command.Round, _command.ClientId, 2) });
        await counted.NextAsync<UpdateSubmitted>();
    }

    private string Backup => _folder.File("backup.db");

    private string Database => _folder.File("client-worker.db");

    private Snapshot BackUp() => Snapshot.Take(Database, Backup, TimeProvider.System.GetUtcNow());

    private void Restore() => File.Copy(Backup, Database, overwrite: true);
}
