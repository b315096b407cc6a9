using System.Text;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;

namespace FlEvents.ServiceDefaults.Quarantine;

/// <summary>
/// The end of a queue's way for what no consumer could deal with: into the quarantine of the service's database, and acknowledged. While that can't be written
/// the message is not acknowledged; the broker delivers it again, and gives it to its dead-letter queue in the end.
/// </summary>
internal sealed class QuarantineFilter(Database database, bool brokerKeeps) : IFilter<ExceptionReceiveContext>, IFilter<ReceiveContext>
{
    // By name, and never by what a message calls itself: not every text may be asked for as a type.
    private static readonly Dictionary<string, Type> Contracts =
        typeof(BlobRef).Assembly.GetExportedTypes().Where(type => type is { IsClass: true, IsAbstract: false, IsGenericType: false }).ToDictionary(type => type.Name);

    public async Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        var exception = context.Exception is ConsumerException { InnerException: { } inner } ? inner : context.Exception;
        if (exception is OperationCanceledException or ConsumerCanceledException)
        {
            // What it waited for stops, or the whole service: nothing is wrong with the message. A broker delivers it again, unless it is acknowledged; in memory its
            // sender sends it again after the next start.
            if (brokerKeeps)
            {
                throw exception;
            }
        }
        else
        {
            await KeepAsync(context, QuarantineReason.Poison, exception.Message);
        }

        if (!context.IsFaulted)
        {
            // Else what could not be read goes on to the other pipe, as a message that nobody took.
            await context.NotifyFaulted(exception);
        }
    }

    /// <summary>A message for which the queue has no consumer.</summary>
    public Task Send(ReceiveContext context, IPipe<ReceiveContext> next) =>
        KeepAsync(context, QuarantineReason.Unreadable, "No consumer of this queue takes such a message.");

    public void Probe(ProbeContext context) => context.CreateFilterScope("quarantine");

    private Task KeepAsync(ReceiveContext context, string reason, string detail)
    {
        var (id, type, body) = Read(context.Body.GetBytes());
        var endpoint = context.InputAddress.Segments[^1];
        return database.WriteAsync(
            transaction => QuarantineStore.Add(transaction, endpoint, context.GetMessageId() ?? id ?? NewId.NextGuid(), type, body, type is null ? QuarantineReason.Unreadable : reason, detail),
            context.CancellationToken);
    }

    /// <summary>Id, contract and body out of an envelope; the raw text where it is none.</summary>
    private static (Guid? Id, string? Type, string Body) Read(byte[] bytes)
    {
        try
        {
            using var envelope = JsonDocument.Parse(bytes);
            var id = envelope.RootElement.GetProperty("messageId").GetGuid();
            var type = envelope.RootElement.GetProperty("messageType")[0].GetString()?.Split(':')[^1] ?? "";
            var body = envelope.RootElement.GetProperty("message").GetRawText();
            return Contracts.TryGetValue(type, out var contract) && JsonSerializer.Deserialize(body, contract, JsonSerializerOptions.Web) is not null
                ? (id, type, body)
                : (id, null, body);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            return (null, null, Encoding.UTF8.GetString(bytes));
        }
    }
}
