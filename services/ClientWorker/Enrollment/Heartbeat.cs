using FlEvents.ClientWorker.Data;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;
using Microsoft.Extensions.Options;

namespace FlEvents.ClientWorker.Enrollment;

/// <summary>Says that the worker is alive, at once after the start and then every few seconds. Not through the outbox: an old one is of no use.</summary>
public sealed partial class Heartbeat(
    IBusControl bus, ClientRoster roster, WorkerIdentity worker, RunningTasks tasks, IOptions<ClientWorkerOptions> options, TimeProvider time,
    ILogger<Heartbeat> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await bus.WaitForHealthStatus(BusHealthStatus.Healthy, stoppingToken);
            while (true)
            {
                await PublishAsync(stoppingToken);
                await Task.Delay(TimeSpan.FromSeconds(options.Value.HeartbeatSeconds), time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A worker that stops is silent.
        }
    }

    private async Task PublishAsync(CancellationToken stoppingToken)
    {
        var heartbeat = new WorkerHeartbeat
        {
            WorkerId = worker.WorkerId,
            Pool = roster.Pool,
            ClientId = roster.ClientId,
            Slots = options.Value.Slots,
            Running = tasks.Count,
        };
        try
        {
            await BoundedSend.RunAsync(token => bus.Publish(heartbeat, token), time, stoppingToken);
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            LogFailed(worker.WorkerId, e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Worker {workerId} could not publish its heartbeat: {fault}")]
    private partial void LogFailed(string workerId, string fault);
}
