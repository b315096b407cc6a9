using System.Diagnostics.Metrics;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>Upper bounds of histograms' buckets: the same in the text format and over OTLP.</summary>
public static class Buckets
{
    /// <summary>From 5 ms to half an hour.</summary>
    public static InstrumentAdvice<double> Seconds { get; } =
        new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800] };
}
