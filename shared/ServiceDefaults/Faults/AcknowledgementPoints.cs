using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.ServiceDefaults.Faults;

/// <summary>The crash points before and after a message is acknowledged: its consumer is done, and the broker knows it.</summary>
internal sealed class AcknowledgementPoints(IEnumerable<ProcessDatabase> databases) : IReceiveObserver
{
    public Task PreReceive(ReceiveContext context) => Task.CompletedTask;

    public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
        where T : class
    {
        context.ReceiveContext.GetOrAddPayload(() => new Consumed(typeof(T).Name));
        Pass(context.ReceiveContext, "ack.before");
        return Task.CompletedTask;
    }

    public Task PostReceive(ReceiveContext context)
    {
        Pass(context, "ack.after");
        return Task.CompletedTask;
    }

    public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
        where T : class => Task.CompletedTask;

    public Task ReceiveFault(ReceiveContext context, Exception exception) => Task.CompletedTask;

    private void Pass(ReceiveContext context, string step)
    {
        if (context.TryGetPayload(out Consumed? consumed)
            && databases.FirstOrDefault(own => Routes.IsServedBy(context.InputAddress.Segments[^1], own.Database.Name)) is { Database: var database })
        {
            CrashPoint.Pass(database.Name, step, database.FilePath, consumed.Message);
        }
    }

    private sealed record Consumed(string Message);
}
