using System.Diagnostics;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>
/// Keeps a message's place in a trace while it waits in the outbox. Whatever belongs to a round is in the one trace that has the round's id, in every
/// service and across restarts and deadlines, where nothing but the row says what came before.
/// </summary>
public static class RoundTrace
{
    /// <summary>Name of the source of this program's own spans.</summary>
    public const string SourceName = "FlEvents";

    private const int SpanIdDigits = 16;
    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>What the caller is doing; null while nobody traces.</summary>
    internal static ActivityContext? Current => Source.HasListeners() ? Activity.Current?.Context ?? default(ActivityContext) : null;

    /// <summary>The place of a message that is written now, as the W3C's <c>traceparent</c>.</summary>
    /// <param name="cause">What it is written by; null while nobody traces.</param>
    /// <returns>Null while nobody traces, and for a message of no round that nothing has caused.</returns>
    internal static string? ParentOf(object message, ActivityContext? cause)
    {
        if (cause is not { } context)
        {
            return null;
        }

        var (traceId, spanId) = (context.TraceId.ToHexString(), context.SpanId.ToHexString());
        if (message.GetType().GetProperty("RoundId")?.GetValue(message) is Guid roundId && traceId != roundId.ToString("N"))
        {
            // The round's first: its parent is a span that nobody sends, the same in every service.
            traceId = roundId.ToString("N");
            spanId = traceId[^SpanIdDigits..];
        }
        else if (context == default)
        {
            return null;
        }

        return $"00-{traceId}-{spanId}-01";
    }

    /// <summary>Goes on in a row's place, until the result is disposed.</summary>
    internal static Activity? Continue(string? traceParent, string what) => ActivityContext.TryParse(traceParent, traceState: null, isRemote: true, out var parent)
        ? Source.StartActivity(what, ActivityKind.Producer, parent)
        : null;
}
