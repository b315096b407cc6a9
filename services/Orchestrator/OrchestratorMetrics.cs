using System.Diagnostics.Metrics;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;

namespace FlEvents.Orchestrator;

/// <summary>What the Orchestrator measures.</summary>
public sealed class OrchestratorMetrics : IDisposable
{
    private readonly Meter _meter = new("FlEvents.Orchestrator");
    private readonly Counter<long> _rounds;
    private readonly Histogram<double> _roundDuration;
    private readonly Counter<long> _admitted;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _refused;

    public OrchestratorMetrics()
    {
        _rounds = _meter.CreateCounter<long>("fl_rounds_total", description: "Rounds that ended, by final state.");
        _roundDuration = _meter.CreateHistogram<double>("fl_round_duration_seconds", "s", "Time from the draw of the cohort to the end of the round.");
        _admitted = _meter.CreateCounter<long>("fl_round_updates_admitted_total", description: "Updates admitted, in rounds that ended.");
        _rejected = _meter.CreateCounter<long>("fl_round_updates_rejected_total", description: "Updates rejected, in rounds that ended.");
        _refused = _meter.CreateCounter<long>("fl_round_clients_refused_total", description: "Clients that the ledger refused or that gave no update, in rounds that ended.");
    }

    public void RoundEnded(Round round)
    {
        _rounds.Add(1, new KeyValuePair<string, object?>("state", round.State == RoundState.Done ? "done" : "abandoned"));
        _roundDuration.Record((round.EndedAt!.Value - round.StartedAt).TotalSeconds);
        _admitted.Add(round.Admitted);
        _rejected.Add(round.Rejected);
        _refused.Add(round.Refused);
    }

    public void Dispose() => _meter.Dispose();
}
