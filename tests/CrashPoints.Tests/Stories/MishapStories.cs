using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.Learning.Training;
using FlEvents.Orchestrator;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.CrashPoints.Tests.Stories;

/// <summary>Training fails, gives an update that is none, or is refused, so that no round has enough updates.</summary>
internal sealed class FailingStory() : ApiStory("failing")
{
    // What an engine knows a run by.
    private const double Fails = 0.25, GivesNoNumber = 0.5;

    // Rejected ones are kept to be looked at.
    protected override string[] MayBeQuarantined => [nameof(UpdateSubmitted)];

    protected override async Task<bool> TellAsync(HttpClient http, Life life)
    {
        await EnrolledAsync(http, life);
        await EndAsync(http, await CreateAsync(http, "fails", $"training.learningRate={Fails}"));
        await EndAsync(http, await CreateAsync(http, "rejected", $"training.learningRate={GivesNoNumber}"));

        // Labels go up to 9.
        await EndAsync(http, await CreateAsync(http, "refused", "model.outputs=5"));
        await life.HeardOfEndsAsync(runs: 3);
        return true;
    }

    protected override TrainingResult Train(ITrainingEngine engine, TrainingJob job, Life life, CancellationToken cancellationToken) => job.Training.LearningRate switch
    {
        Fails => throw new InvalidOperationException("Training fails."),
        GivesNoNumber => engine.Train(job, cancellationToken) with { Update = [.. Enumerable.Repeat(float.NaN, job.Model.ParameterCount)] },
        _ => engine.Train(job, cancellationToken),
    };
}

/// <summary>No client has budget for a task.</summary>
internal sealed class ExhaustedStory() : ApiStory("exhausted", "simulation.budgets.client.epsilon=0.01", "simulation.budgets.client.delta=1e-5")
{
    protected override async Task<bool> TellAsync(HttpClient http, Life life)
    {
        await EnrolledAsync(http, life);
        await EndAsync(http, await CreateAsync(http, "exhausted", PlainRun.Local));
        await life.HeardOfEndsAsync(runs: 1);
        return true;
    }
}

/// <summary>A client that draws noise of its own sends a second, different update of each task.</summary>
internal sealed class SecondOutputStory() : ApiStory("second output", "simulation.budgets.client.epsilon=1000", "simulation.budgets.client.delta=1e-5")
{
    public override void Adjust(IServiceCollection services, Life life)
    {
        base.Adjust(services, life);
        services.AddSingleton<IUpdateSink>(provider => new TwiceSink(ActivatorUtilities.CreateInstance<LoopbackSink>(provider)));
    }

    protected override async Task<bool> TellAsync(HttpClient http, Life life)
    {
        await EnrolledAsync(http, life);
        await EndAsync(http, await CreateAsync(http, "second output", PlainRun.Local));
        await life.HeardOfEndsAsync(runs: 1);
        await life.CameToAsync("the second outputs are charged", () => life.Count("privacy-accountant.ack.after ChargeOutput") >= PlainRun.Clients);
        return true;
    }

    private sealed class TwiceSink(IUpdateSink sink) : IUpdateSink
    {
        public Task<bool> HoldsAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken) =>
            sink.HoldsAsync(reservationId, leaseToken, update, cancellationToken);

        public async Task SubmitAsync(Guid reservationId, string leaseToken, BlobRef update, ReadOnlyMemory<byte> bytes, UpdateSignature? signature, CancellationToken cancellationToken)
        {
            await sink.SubmitAsync(reservationId, leaseToken, update, bytes, signature, cancellationToken);
            var other = bytes.ToArray();
            other[^1] ^= 1;
            try
            {
                await sink.SubmitAsync(reservationId, leaseToken, update, other, signature, cancellationToken);
            }
            catch (UploadRefusedException)
            {
                // Charged, and not taken.
            }
        }
    }
}

/// <summary>A run is stopped while tasks are in training and one was not sent yet.</summary>
internal sealed class StoppedStory() : ApiStory("stopped", "simulation.clients=3", "simulation.workers=1")
{
    private const string InTraining = "orchestrator.ack.after TrainingAccepted";

    public override void Adjust(IServiceCollection services, Life life)
    {
        base.Adjust(services, life);
        services.PostConfigure<OrchestratorOptions>(options => options.DispatchAhead = 0);
    }

    protected override async Task<bool> TellAsync(HttpClient http, Life life)
    {
        await EnrolledAsync(http, life);
        var api = new RunsApi(http);
        var run = await CreateAsync(http, "stopped", "selection.minimumClients=3", "selection.minimumReports=3");
        await Eventually.HoldsAsync("a task is in training, or the run is stopped", async () =>
            life.HasDied || life.Count(InTraining) > 0 || (await api.GetAsync($"runs/{run}")).GetProperty("state").GetString() == "stopped");
        await api.PostAsync(run, "stop");
        await EndAsync(http, run);
        await life.HeardOfEndsAsync(runs: 1);
        return true;
    }

    // Until its worker stops.
    protected override TrainingResult Train(ITrainingEngine engine, TrainingJob job, Life life, CancellationToken cancellationToken)
    {
        cancellationToken.WaitHandle.WaitOne();
        throw new OperationCanceledException(cancellationToken);
    }
}

/// <summary>Training outlasts its round's deadline.</summary>
internal sealed class OverdueStory() : ApiStory("overdue")
{
    protected override async Task<bool> TellAsync(HttpClient http, Life life)
    {
        await EnrolledAsync(http, life);
        await EndAsync(http, await CreateAsync(http, "overdue", "selection.deadlineSeconds=1", "selection.leaseSeconds=1"));
        await life.HeardOfEndsAsync(runs: 1);
        return true;
    }

    // Until its worker stops.
    protected override TrainingResult Train(ITrainingEngine engine, TrainingJob job, Life life, CancellationToken cancellationToken)
    {
        cancellationToken.WaitHandle.WaitOne();
        throw new OperationCanceledException(cancellationToken);
    }
}

/// <summary>Training that outlasts a third of its lease.</summary>
internal sealed class RenewedStory() : ApiStory("renewed")
{
    protected override async Task<bool> TellAsync(HttpClient http, Life life)
    {
        await EnrolledAsync(http, life);
        await EndAsync(http, await CreateAsync(http, "renewed", "selection.leaseSeconds=2.5"));
        await life.HeardOfEndsAsync(runs: 1);
        return true;
    }

    protected override TrainingResult Train(ITrainingEngine engine, TrainingJob job, Life life, CancellationToken cancellationToken)
    {
        // It leaves the processor to those who renew the lease.
        while (life.Count("orchestrator.ack.after LeaseRenewed") == 0)
        {
            cancellationToken.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(1));
            cancellationToken.ThrowIfCancellationRequested();
        }

        return engine.Train(job, cancellationToken);
    }
}

/// <summary>The process is told to stop while its clients train: their leases go back, and are issued again after the next start.</summary>
internal sealed class InterruptedStory() : ApiStory("interrupted")
{
    protected override async Task<bool> TellAsync(HttpClient http, Life life)
    {
        await EnrolledAsync(http, life);
        var run = await CreateAsync(http, "interrupted");
        if (life.Number == 1)
        {
            await life.CameToAsync("a task is in training", () => life.Count("client-worker.ack.after TrainClient") > 0);
            return false;
        }

        await EndAsync(http, run);
        await life.HeardOfEndsAsync(runs: 1);
        return true;
    }

    protected override TrainingResult Train(ITrainingEngine engine, TrainingJob job, Life life, CancellationToken cancellationToken)
    {
        if (life.Number == 1)
        {
            cancellationToken.WaitHandle.WaitOne();
        }

        return engine.Train(job, cancellationToken);
    }
}
