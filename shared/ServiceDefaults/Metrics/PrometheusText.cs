using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>
/// Writes the process's <see cref="Meter"/> instruments in the Prometheus text format 0.0.4. Instruments carry their full Prometheus name
/// (<c>fl_…</c>, with unit and <c>_total</c>), so that nothing is renamed on the way.
/// </summary>
public sealed class PrometheusText : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly ConcurrentDictionary<(Instrument Instrument, string Labels), Series> _series = new();
    private readonly MeterListener _listener = new();
    private readonly Lock _writing = new();

    public void Start()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name.StartsWith("fl_", StringComparison.Ordinal))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>All series, grouped by instrument, each group with its help and type.</summary>
    public string Write()
    {
        // One at a time: a second reader must not take away the gauges that the first has just asked for.
        lock (_writing)
        {
            return WriteSeries();
        }
    }

    public void Dispose() => _listener.Dispose();

    private string WriteSeries()
    {
        // A gauge whose series is gone (a run that ended) must not be shown with its last value.
        foreach (var key in _series.Keys.Where(key => key.Instrument.IsObservable))
        {
            _series.TryRemove(key, out _);
        }

        try
        {
            _listener.RecordObservableInstruments();
        }
        catch (AggregateException)
        {
            // Every instrument was asked; one that could not answer has no series, and the others are shown.
        }

        var text = new StringBuilder();
        foreach (var group in _series.GroupBy(entry => entry.Key.Instrument.Name).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var instrument = group.First().Key.Instrument;
            text.Append("# HELP ").Append(instrument.Name).Append(' ').Append(Escape(instrument.Description ?? "")).Append('\n');
            text.Append("# TYPE ").Append(instrument.Name).Append(' ').Append(TypeOf(instrument)).Append('\n');
            foreach (var ((_, labels), series) in group.OrderBy(entry => entry.Key.Labels, StringComparer.Ordinal))
            {
                series.Write(text, instrument.Name, labels);
            }
        }

        return text.ToString();
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        _series.GetOrAdd((instrument, labels), key => Create(key.Instrument)).Record(value);
    }

    private static Series Create(Instrument instrument) => TypeOf(instrument) switch
    {
        "histogram" => new HistogramSeries([.. (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries ?? Buckets.Seconds.HistogramBucketBoundaries!]),
        // Observable counters report their total, synchronous ones an increment.
        _ => new ValueSeries(adds: !instrument.IsObservable && instrument is not Gauge<double> and not Gauge<long> and not Gauge<int>),
    };

    private static string TypeOf(Instrument instrument)
    {
        var type = instrument.GetType().Name;
        return type.StartsWith("Histogram", StringComparison.Ordinal) ? "histogram"
            : type.Contains("UpDown", StringComparison.Ordinal) || type.Contains("Gauge", StringComparison.Ordinal) ? "gauge"
            : "counter";
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }

        var text = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            text.Append(text.Length == 0 ? "" : ",").Append(name).Append("=\"");
            text.Append(Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "").Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        }

        return text.ToString();
    }

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private abstract class Series
    {
        public abstract void Record(double value);
        public abstract void Write(StringBuilder text, string name, string labels);

        protected static void Line(StringBuilder text, string name, string labels, double value)
        {
            text.Append(name);
            if (labels.Length > 0)
            {
                text.Append('{').Append(labels).Append('}');
            }

            text.Append(' ').Append(Number(value)).Append('\n');
        }
    }

    private sealed class ValueSeries(bool adds) : Series
    {
        private readonly Lock _lock = new();
        private double _value;

        public override void Record(double value)
        {
            lock (_lock)
            {
                _value = adds ? _value + value : value;
            }
        }

        public override void Write(StringBuilder text, string name, string labels) => Line(text, name, labels, _value);
    }

    private sealed class HistogramSeries(double[] bounds) : Series
    {
        private readonly Lock _lock = new();
        private readonly long[] _counts = new long[bounds.Length + 1];
        private double _sum;

        public override void Record(double value)
        {
            var bucket = 0;
            while (bucket < bounds.Length && value > bounds[bucket])
            {
                bucket++;
            }

            lock (_lock)
            {
                _counts[bucket]++;
                _sum += value;
            }
        }

        public override void Write(StringBuilder text, string name, string labels)
        {
            var separator = labels.Length == 0 ? "" : ",";
            lock (_lock)
            {
                long cumulative = 0;
                for (var i = 0; i < _counts.Length; i++)
                {
                    cumulative += _counts[i];
                    var bound = i < bounds.Length ? bounds[i] : double.PositiveInfinity;
                    Line(text, $"{name}_bucket", $"{labels}{separator}le=\"{Number(bound)}\"", cumulative);
                }

                Line(text, $"{name}_sum", labels, _sum);
                Line(text, $"{name}_count", labels, cumulative);
            }
        }
    }
}
