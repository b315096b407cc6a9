using System.Diagnostics.Metrics;
using FlEvents.ClientWorker.Policy;
using FlEvents.ClientWorker.Training;
using FlEvents.ServiceDefaults.Metrics;

namespace FlEvents.ClientWorker;

/// <summary>What the worker measures of itself. No series carries a client's id.</summary>
public sealed class ClientWorkerMetrics : IDisposable
{
    private readonly Meter _meter = new("FlEvents.ClientWorker");
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _examples;
    private readonly Counter<long> _uploaded;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _interrupted;
    private readonly Counter<long> _refused;

    public ClientWorkerMetrics(RunningTasks running, Slots slots)
    {
        _meter.CreateObservableGauge("fl_training_tasks_running", () => running.Count, "{task}", "Training tasks this worker has accepted and not ended.");
        _meter.CreateObservableGauge("fl_training_tasks_queued", () => slots.Waiting, "{task}", "Tasks at hand that wait for a free training slot.");
        _meter.CreateObservableGauge("fl_training_slots", () => slots.Count, "{task}", "Tasks that this worker can train at once.");
        _duration = _meter.CreateHistogram(
            "fl_training_duration_seconds", "s", "Time one client's local training took, without upload; not in private runs.", tags: null, Buckets.Seconds);
        _examples = _meter.CreateCounter<long>(
            "fl_training_examples_total", "{example}", "Examples trained on, one for each pass over each of them; not in private runs.");
        _ended = _meter.CreateCounter<long>("fl_training_tasks_total", "{task}", "Accepted tasks that ended, by state: announced, refused, interrupted.");
        _uploaded = _meter.CreateCounter<long>("fl_upload_bytes_total", "By", "Bytes of updates that the update store has taken from this worker.");
        _interrupted = _meter.CreateCounter<long>("fl_training_interrupted_total", "{task}", "Accepted tasks that ended without an update, by reason code.");
        _refused = _meter.CreateCounter<long>(
            "fl_owner_refusals_total", "{request}", "Tasks and evaluations that the owner's policy did not allow, by rule.");
        foreach (var rule in PolicyRule.All)
        {
            _refused.Add(0, KeyValuePair.Create<string, object?>("rule", rule));
        }

        _examples.Add(0);
        _uploaded.Add(0);
        foreach (var state in new[] { TaskState.Announced, TaskState.Refused, TaskState.Interrupted })
        {
            _ended.Add(0, Label(state));
        }
    }

    /// <param name="examples">Examples times passes.</param>
    public void Trained(TimeSpan duration, long examples)
    {
        _duration.Record(duration.TotalSeconds);
        _examples.Add(examples);
    }

    /// <param name="state">State that the task ended in.</param>
    public void Ended(TaskState state) => _ended.Add(1, Label(state));

    public void Uploaded(long bytes) => _uploaded.Add(bytes);

    /// <param name="reasonCode">One of <see cref="InterruptionCode"/>.</param>
    public void Interrupted(string reasonCode) => _interrupted.Add(1, KeyValuePair.Create<string, object?>("reason", reasonCode));

    /// <param name="rule">One of <see cref="PolicyRule"/>.</param>
    public void Refused(string rule) => _refused.Add(1, KeyValuePair.Create<string, object?>("rule", rule));

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Label(TaskState state) => new("state", state.ToString().ToLowerInvariant());
}
