using System.Diagnostics.Metrics;
using System.Text.Json;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Metrics;

namespace FlEvents.Orchestrator;

/// <summary>What runs now, as the database has it; no more of a run than its API shows.</summary>
public sealed class RunMetrics : IDisposable
{
    private const string HeldOut = "held_out";
    private const string Clients = "clients";
    private readonly Meter _meter = new("FlEvents.Orchestrator.Runs");
    private readonly Reading<RunGauges> _gauges;

    public RunMetrics(OrchestratorDatabase database, OrchestratorOptions options, TimeProvider time)
    {
        var timeout = TimeSpan.FromSeconds(options.ClientTimeoutSeconds);
        _gauges = new Reading<RunGauges>(database, transaction => RunGaugeStore.Read(transaction, options.MetricRuns, timeout), time);
        AddCounts();
        AddRuns();
        AddQueues();
    }

    public void Dispose() => _meter.Dispose();

    private void AddCounts()
    {
        Gauge("fl_runs", "{run}", "Runs that were ever created, by state.", now =>
            Enum.GetValues<RunState>().Select(state => Of(now.Runs.GetValueOrDefault(state), ("state", StateName(state)))));
        Gauge("fl_rounds_open", "{round}", "Rounds in progress, by phase: reserve, collect, aggregate.", now =>
            from open in OpenPhases
            select Of(now.OpenRounds.Where(state => RoundPhases.Of(state.Key) == open).Sum(state => state.Value), ("phase", open)));
        Gauge("fl_workers", "{worker}", "Worker processes that gave a sign of life lately.", now => [Of(now.Workers)]);
    }

    private static readonly string[] OpenPhases = [RoundPhases.Reserve, RoundPhases.Collect, RoundPhases.Aggregate];

    private void AddRuns()
    {
        Gauge("fl_run_info", "{flag}", "1 for each run shown, by run, name, privacy mode and state: runs that are not over, and the newest of the others.", now =>
            now.Shown.Select(shown => Of(
                1,
                ("run", shown.Run.RunId),
                ("name", shown.Run.Spec.Name),
                ("mode", JsonSerializer.SerializeToElement(shown.Run.Spec.Privacy.Mode, RunStore.Json)),
                ("state", StateName(shown.Run.State)))));
        Run("fl_run_round", "{round}", "Round in progress, or the last one, by run.", shown => shown.Run.Round);
        Run("fl_run_rounds_planned", "{round}", "Rounds that the run is to have, by run.", shown => shown.Run.Spec.Rounds);
        Run("fl_round_started_timestamp_seconds", "s", "When the round in progress began, as Unix time, by run.", shown => Unix(shown.Open?.StartedAt));
        Run("fl_round_deadline_timestamp_seconds", "s", "When the round in progress is to be closed, as Unix time, by run; from the moment its tasks go out.", shown => Unix(shown.Open?.DeadlineAt));
        Gauge("fl_round_clients", "{client}", "Clients of the round in progress, by run and by where they stand: charging, open, admitted, rejected, refused.", now =>
            from shown in now.Shown
            where shown.Open is not null
            from part in Parts(shown.Open!)
            select Of(part.Count, ("run", shown.Run.RunId), ("state", part.State)));
        Gauge("fl_model_loss", "{loss}", "Mean loss of the run's newest scored model, by run and by data: held_out, or clients where the run is not private.", now =>
            Scores(now, evaluation => evaluation.Loss, scores => scores.Loss));
        Gauge("fl_model_accuracy", "{share}", "Accuracy of the run's newest scored model, from 0 to 1, by run and by data: held_out, or clients where the run is not private.", now =>
            Scores(now, evaluation => evaluation.Accuracy, scores => scores.Accuracy));
    }

    private void AddQueues()
    {
        Queue("fl_training_tasks_waiting", "{task}", "Tasks that no worker has accepted yet, by queue; the silos' queues together.", queue => queue.Waiting);
        Queue("fl_training_tasks_leased", "{task}", "Tasks that a worker has accepted and not answered, by queue; the silos' queues together.", queue => queue.Leased);
        Queue("fl_worker_slots", "{task}", "Tasks that live workers can train at once, by queue; the silos' queues together.", queue => queue.Slots);
    }

    private static IEnumerable<Measurement<double>> Scores(RunGauges now, Func<Contracts.ModelEvaluation, double?> heldOut, Func<Scores, double?> clients) =>
        from shown in now.Shown
        from score in new[]
        {
            (Data: HeldOut, Value: shown.HeldOut is null ? null : heldOut(shown.HeldOut)),
            (Data: Clients, Value: shown.Clients is null ? null : clients(shown.Clients)),
        }
        where score.Value is not null
        select Of(score.Value!.Value, ("run", shown.Run.RunId), ("data", score.Data));

    private static IEnumerable<(string State, int Count)> Parts(Round round) =>
    [
        ("charging", round.Planned), ("open", round.Open), ("admitted", round.Admitted), ("rejected", round.Rejected), ("refused", round.Refused),
    ];

    private static string StateName(RunState state) => state switch
    {
        RunState.BudgetExhausted => "budget_exhausted",
        _ => state.ToString().ToLowerInvariant(),
    };

    private static double? Unix(DateTimeOffset? at) => at?.ToUnixTimeMilliseconds() / 1000.0;

    private void Run(string name, string unit, string description, Func<ShownRun, double?> value) => Gauge(name, unit, description, now =>
        now.Shown.Where(shown => value(shown) is not null).Select(shown => Of(value(shown)!.Value, ("run", shown.Run.RunId))));

    private void Queue(string name, string unit, string description, Func<QueueGauges, long> value) => Gauge(name, unit, description, now =>
        now.Queues.Select(queue => Of(value(queue), ("queue", queue.Queue))));

    private void Gauge(string name, string unit, string description, Func<RunGauges, IEnumerable<Measurement<double>>> measure) =>
        _meter.CreateObservableGauge(name, () => _gauges.Value is { } now ? measure(now) : [], unit, description);

    private static Measurement<double> Of(double value, params (string Name, object Value)[] labels) =>
        new(value, labels.Select(label => KeyValuePair.Create(label.Name, (object?)label.Value)));
}
