using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Api;

/// <summary>Rows as the API shows them.</summary>
public static class RunViews
{
    public static RunView Of(Run run) => new()
    {
        RunId = run.RunId,
        Name = run.Spec.Name,
        State = run.State,
        Seed = run.Spec.Seed,
        Round = run.Round,
        Rounds = run.Spec.Rounds,
        CreatedAt = run.CreatedAt,
        EndedAt = run.EndedAt,
        Reason = run.Reason,
        Model = run.Model,
        ParameterCount = run.ParameterCount,
        EventsHead = run.EventsHead,
        Spec = run.Spec,
    };

    /// <summary>The run's rounds from a number on.</summary>
    public static IReadOnlyList<RoundView> Rounds(Transaction transaction, Guid runId, int from = 0)
    {
        var evaluations = EvaluationStore.OfRun(transaction, runId);
        var carried = MemberStore.Carried(transaction, runId);
        return RoundStore.OfRun(transaction, runId, from)
            .Select(round => Of(round, carried.GetValueOrDefault(round.RoundId), evaluations.GetValueOrDefault(round.Number)))
            .ToList();
    }

    /// <summary>Model bytes that the clients of a round were to fetch.</summary>
    /// <param name="carried">Members that are there by a late update, and fetch nothing.</param>
    public static long BytesDown(Round round, int carried) => round.BaseModel.SizeBytes * (round.CohortSize - round.Refused - round.Planned - carried);

    private static RoundView Of(Round round, int carried, FederatedEvaluationView? federated) => new()
    {
        Round = round.Number,
        State = round.State,
        ClientsSelected = round.CohortSize,
        ClientsRefused = round.Refused,
        UpdatesAdmitted = round.Admitted,
        UpdatesLate = carried,
        UpdatesRejected = round.Rejected,
        BytesDown = BytesDown(round, carried),
        BytesUp = round.BytesUp,
        StartedAt = round.StartedAt,
        DurationMs = (round.EndedAt - round.StartedAt)?.TotalMilliseconds,
        Evaluation = round.Evaluation,
        FederatedEvaluation = federated,
        ClipNorm = round.ClipNorm,
        ModelSha256 = round.Model?.Sha256,
        Receipt = round.Receipt,
        Reason = round.Reason,
    };
}
