using System.Collections.Concurrent;
using FlEvents.Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.EndToEnd.Tests;

/// <summary>A client whose every update comes after its round was closed.</summary>
public sealed class LateUpdateTests
{
    private static readonly string[] Straggling =
    [
        "rounds=8", "evaluation.federated=false", "simulation.workers=4", "selection.minimumClients=3", "selection.minimumReports=2", "selection.count=3",
        "selection.overSelection=0.3", "selection.closeOnTarget=true",
    ];

    [Fact]
    public async Task A_straggler_counts_in_a_later_round_where_the_run_lets_late_updates_count()
    {
        var admitted = await AdmittedAsync([.. Straggling, "aggregation.lateRounds=8"]);

        // Another may be late too: where the straggler's last update makes up a round's number, the slowest of its own clients comes after its close.
        Assert.Contains(admitted, update => update is { ClientId: "client-000003", RoundsLate: > 0 });
        Assert.DoesNotContain(admitted, update => update is { ClientId: "client-000003", RoundsLate: 0 });
        Assert.Contains(admitted, update => update is { ClientId: not "client-000003", RoundsLate: 0 });
        Assert.Equal(admitted.Count, admitted.DistinctBy(update => update.ReservationId).Count());
        Assert.Equal(admitted.Count, admitted.DistinctBy(update => (update.Round, update.ClientId)).Count());
    }

    [Fact]
    public async Task A_straggler_never_counts_where_late_updates_are_turned_away() =>
        Assert.DoesNotContain(await AdmittedAsync(Straggling), update => update.ClientId == "client-000003" || update.RoundsLate > 0);

    private static async Task<IReadOnlyCollection<UpdateAdmitted>> AdmittedAsync(string[] changes)
    {
        var admissions = new Admissions();
        await InProcess.ModelSha256Async(TinyRun.Read(changes), services =>
        {
            new Straggler(client: 3).Install(services);
            services.AddSingleton<IReceiveObserver>(admissions);
        });
        return admissions.Seen;
    }

    private sealed class Admissions : IReceiveObserver
    {
        private readonly ConcurrentDictionary<Guid, UpdateAdmitted> _seen = new();

        public IReadOnlyCollection<UpdateAdmitted> Seen => [.. _seen.Values];

        public Task PreReceive(ReceiveContext context) => Task.CompletedTask;

        public Task PostReceive(ReceiveContext context) => Task.CompletedTask;

        public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
            where T : class
        {
            if (context.Message is UpdateAdmitted admitted)
            {
                _seen[context.MessageId!.Value] = admitted;
            }

            return Task.CompletedTask;
        }

        public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
            where T : class => Task.CompletedTask;

        public Task ReceiveFault(ReceiveContext context, Exception exception) => Task.CompletedTask;
    }
}
