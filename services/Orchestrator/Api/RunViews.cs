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
        Spec = run.Spec,
    };

    /// <summary>The run's rounds from a number on.</summary>
    public static IReadOnlyList<RoundView> Rounds(Transaction transaction, Guid runId, int from = 0)
    {
        var evaluations = EvaluationStore.OfRun(transaction, runId);
        return RoundStore.OfRun(transaction, runId, from).Select(round => Of(round, evaluations.GetValueOrDefault(round.Number))).ToList();
    }

    private static RoundView Of(Round round, FederatedEvaluationView? federated) => new()
    {
        Round = round.Number,
        State = round.State,
        ClientsSelected = round.CohortSize,
        ClientsRefused = round.Refused,
        UpdatesAdmitted = round.Admitted,
        UpdatesRejected = round.Rejected,
        BytesDown = round.BaseModel.SizeBytes * (round.CohortSize - round.Refused - round.Planned),
        BytesUp = round.BytesUp,
        StartedAt = round.StartedAt,
        DurationMs = (round.EndedAt - round.StartedAt)?.TotalMilliseconds,
        Evaluation = round.Evaluation,
        FederatedEvaluation = federated,
        ModelSha256 = round.Model?.Sha256,
        Receipt = round.Receipt,
        Reason = round.Reason,
    };
}
