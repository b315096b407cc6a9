using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.ServiceDefaults.Metrics;

namespace FlEvents.Orchestrator;

/// <summary>What the Orchestrator counts as it happens.</summary>
public sealed class OrchestratorMetrics : IDisposable
{
    /// <summary>Reason of a member that was still awaited when its round ended.</summary>
    private const string NoAnswer = "NO_ANSWER";

    /// <summary>Reason for every code that a service of the product does not send.</summary>
    private const string Other = "OTHER";

    private static readonly HashSet<string> RejectionReasons =
    [
        RejectionCode.Late, RejectionCode.NotSelected, RejectionCode.LeaseLost, RejectionCode.WrongBaseModel, RejectionCode.Equivocation, RejectionCode.BlobMismatch,
        RejectionCode.TooLarge, RejectionCode.Malformed, RejectionCode.WrongLayout, RejectionCode.NotFinite, RejectionCode.NormTooLarge, RejectionCode.ExampleCount, Other,
    ];

    private static readonly HashSet<string> RefusalReasons =
    [
        BudgetRefusalCode.BudgetExhausted, BudgetRefusalCode.OwnerAlreadyInRound, BudgetRefusalCode.Conflict, BudgetRefusalCode.RoundCommitted, BudgetRefusalCode.Refunded,
        "EXPIRED", "FAILED", "LEASE_LOST", "NOT_DISPATCHED", "OWNER_POLICY", NoAnswer, Other,
    ];

    private readonly Meter _meter = new("FlEvents.Orchestrator");
    private readonly ConcurrentDictionary<Guid, (string Phase, DateTimeOffset Since)> _phases = new();
    private readonly Counter<long> _rounds;
    private readonly Histogram<double> _roundDuration;
    private readonly Histogram<double> _phaseDuration;
    private readonly Counter<long> _selected;
    private readonly Counter<long> _admitted;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _overCounted;
    private readonly Counter<long> _down;
    private readonly Counter<long> _up;
    private readonly Counter<long> _leasesExpired;

    public OrchestratorMetrics()
    {
        _rounds = _meter.CreateCounter<long>("fl_rounds_total", "{round}", "Rounds that ended, by final state.");
        _roundDuration = Histogram("fl_round_duration_seconds", "Time from the draw of the cohort to the end of the round.");
        _phaseDuration = Histogram("fl_round_phase_duration_seconds", "Time a round spent in a phase, by phase: reserve, collect, aggregate; not of phases during which the service was started.");
        _selected = _meter.CreateCounter<long>("fl_round_clients_selected_total", "{client}", "Clients drawn, in rounds that ended.");
        _admitted = _meter.CreateCounter<long>("fl_round_updates_admitted_total", "{update}", "Updates admitted, in rounds that ended.");
        _rejected = _meter.CreateCounter<long>("fl_round_updates_rejected_total", "{update}", "Updates rejected, in rounds that ended, by reason code.");
        _refused = _meter.CreateCounter<long>(
            "fl_round_clients_refused_total", "{client}", "Clients that the ledger refused or that gave no update, in rounds that ended, by reason code.");
        _overCounted = _meter.CreateCounter<long>(
            "fl_round_charges_over_counted_total", "{charge}", "Charges of clients that stay although no update of theirs was admitted, in rounds that ended.");
        _down = _meter.CreateCounter<long>("fl_round_down_bytes_total", "By", "Bytes of global models that the clients of a round were to fetch, in rounds that ended.");
        _up = _meter.CreateCounter<long>("fl_round_up_bytes_total", "By", "Bytes of updates admitted, in rounds that ended.");
        _leasesExpired = _meter.CreateCounter<long>("fl_lease_expirations_total", "{lease}", "Leases that ended without a sign of life from their worker.");
        ShowFromTheStart();
    }

    /// <summary>Notes a round's row as it is committed.</summary>
    public void RoundSaved(Round round, DateTimeOffset now)
    {
        var phase = RoundPhases.Of(round.State);
        if (_phases.TryGetValue(round.RoundId, out var known) && known.Phase != phase)
        {
            _phaseDuration.Record((now - known.Since).TotalSeconds, Label("phase", known.Phase));
            _phases.TryRemove(round.RoundId, out _);
        }

        if (phase is not null && (known.Phase is null ? phase == RoundPhases.Reserve : known.Phase != phase))
        {
            _phases[round.RoundId] = (phase, now);
        }
    }

    /// <param name="carried">Late updates of earlier rounds that the round was given.</param>
    /// <param name="overCounted">Clients whose charge stays without an update of theirs in the book.</param>
    /// <param name="reasons">Members without an update that counts: how many for each state and reason code, which is empty where none came.</param>
    public void RoundEnded(Round round, int carried, int overCounted, IReadOnlyList<(MemberState State, string Code, long Count)> reasons)
    {
        _rounds.Add(1, Label("state", round.State == RoundState.Done ? "done" : "abandoned"));
        _roundDuration.Record((round.EndedAt!.Value - round.StartedAt).TotalSeconds);
        _selected.Add(round.CohortSize);
        _admitted.Add(round.Admitted);
        _overCounted.Add(overCounted);
        _down.Add(RunViews.BytesDown(round, carried));
        _up.Add(round.BytesUp);
        foreach (var (state, code, count) in reasons)
        {
            var (counter, known) = state == MemberState.Rejected ? (_rejected, RejectionReasons) : (_refused, RefusalReasons);
            counter.Add(count, Label("reason", code.Length == 0 ? NoAnswer : known.Contains(code) ? code : Other));
        }
    }

    public void LeaseExpired() => _leasesExpired.Add(1);

    public void Dispose() => _meter.Dispose();

    private void ShowFromTheStart()
    {
        foreach (var counter in new[] { _selected, _admitted, _overCounted, _down, _up, _leasesExpired })
        {
            counter.Add(0);
        }

        _rounds.Add(0, Label("state", "done"));
        _rounds.Add(0, Label("state", "abandoned"));
        foreach (var reason in RejectionReasons)
        {
            _rejected.Add(0, Label("reason", reason));
        }

        foreach (var reason in RefusalReasons)
        {
            _refused.Add(0, Label("reason", reason));
        }
    }

    private Histogram<double> Histogram(string name, string description) => _meter.CreateHistogram(name, "s", description, tags: null, Buckets.Seconds);

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}
