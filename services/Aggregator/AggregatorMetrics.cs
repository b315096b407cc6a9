using System.Diagnostics.Metrics;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Metrics;

namespace FlEvents.Aggregator;

/// <summary>What the Aggregator measures.</summary>
public sealed class AggregatorMetrics : IDisposable
{
    private readonly Meter _meter = new("FlEvents.Aggregator");
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _combined;
    private readonly Counter<long> _admitted;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _received;

    public AggregatorMetrics()
    {
        _duration = _meter.CreateHistogram(
            "fl_aggregation_duration_seconds", "s", "Time to combine and score a round's updates.", tags: null, Buckets.Seconds);
        _combined = _meter.CreateCounter<long>("fl_updates_combined_total", "{update}", "Updates that went into a global model.");
        _admitted = _meter.CreateCounter<long>("fl_updates_admitted_total", "{update}", "Updates admitted to a round's book.");
        _rejected = _meter.CreateCounter<long>("fl_updates_rejected_total", "{update}", "Updates rejected, by reason code.");
        _received = _meter.CreateCounter<long>("fl_update_received_bytes_total", "By", "Bytes of updates received over HTTP.");
        _combined.Add(0);
        _admitted.Add(0);
        _received.Add(0);
        _rejected.Add(0, new KeyValuePair<string, object?>("reason", RejectionCode.Late));
    }

    public void Combined(TimeSpan duration, int updates)
    {
        _duration.Record(duration.TotalSeconds);
        _combined.Add(updates);
    }

    public void Admitted() => _admitted.Add(1);

    public void Rejected(string reasonCode) => _rejected.Add(1, new KeyValuePair<string, object?>("reason", reasonCode));

    public void Received(long bytes) => _received.Add(bytes);

    public void Dispose() => _meter.Dispose();
}
