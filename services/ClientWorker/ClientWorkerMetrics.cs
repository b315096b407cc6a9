using System.Diagnostics.Metrics;
using FlEvents.ClientWorker.Training;

namespace FlEvents.ClientWorker;

/// <summary>What the worker measures of itself. No series carries a client's id.</summary>
public sealed class ClientWorkerMetrics : IDisposable
{
    private readonly Meter _meter = new("FlEvents.ClientWorker");
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _examples;
    private readonly Counter<long> _uploaded;
    private readonly Counter<long> _interrupted;

    public ClientWorkerMetrics(RunningTasks running, Slots slots)
    {
        _meter.CreateObservableGauge("fl_training_tasks_running", () => running.Count, description: "Training tasks this worker has accepted and not ended.");
        _meter.CreateObservableGauge("fl_training_tasks_queued", () => slots.Waiting, description: "Tasks at hand that wait for a free training slot.");
        _duration = _meter.CreateHistogram<double>("fl_training_duration_seconds", "s", "Time one client's local training took, without upload.");
        _examples = _meter.CreateCounter<long>("fl_training_examples_total", description: "Examples trained on, one for each pass over each of them.");
        _uploaded = _meter.CreateCounter<long>("fl_upload_bytes_total", "By", "Bytes of updates that the update store has taken from this worker.");
        _interrupted = _meter.CreateCounter<long>("fl_training_interrupted_total", description: "Accepted tasks that ended without an update, by reason code.");
    }

    /// <param name="examples">Examples times passes.</param>
    public void Trained(TimeSpan duration, long examples)
    {
        _duration.Record(duration.TotalSeconds);
        _examples.Add(examples);
    }

    public void Uploaded(long bytes) => _uploaded.Add(bytes);

    /// <param name="reasonCode">One of <see cref="InterruptionCode"/>.</param>
    public void Interrupted(string reasonCode) => _interrupted.Add(1, KeyValuePair.Create<string, object?>("reason", reasonCode));

    public void Dispose() => _meter.Dispose();
}
