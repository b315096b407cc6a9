using System.Diagnostics.Metrics;
using FlEvents.Aggregator.Storage;
using FlEvents.ServiceDefaults.Metrics;

namespace FlEvents.Aggregator;

/// <summary>What waits at the Aggregator now, as its database has it.</summary>
public sealed class BookMetrics : IDisposable
{
    private readonly Meter _meter = new("FlEvents.Aggregator.Books");
    private readonly Reading<BookGauges> _gauges;

    public BookMetrics(AggregatorDatabase database, TimeProvider time)
    {
        _gauges = new Reading<BookGauges>(database, BookGaugeStore.Read, time);
        _meter.CreateObservableGauge(
            "fl_books_unfinished",
            () => _gauges.Value is { } now ? (Measurement<long>[])[Of(now.Frozen, "frozen"), Of(now.Aggregated, "aggregated")] : [],
            "{book}",
            "Rounds that are closed and have no released model yet, by state: frozen while updates are combined, aggregated while the ledger's receipt is awaited.");
        _meter.CreateObservableGauge(
            "fl_early_messages",
            () => _gauges.Value is { } now ? (Measurement<long>[])[new(now.Early)] : [],
            "{message}",
            "Messages that came before the round or lease they refer to, and wait for it.");
    }

    public void Dispose() => _meter.Dispose();

    private static Measurement<long> Of(long value, string state) => new(value, KeyValuePair.Create("state", (object?)state));
}
