using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Report;

/// <summary>Makes the summary of a run from the views of the API, and writes it.</summary>
public static class Summary
{
    /// <summary>The summary of a run as it stands; rounds in progress are left out.</summary>
    /// <param name="run">The run.</param>
    /// <param name="rounds">Its rounds, in any order.</param>
    /// <param name="contributions">What its clients did, in the order they are to be shown.</param>
    /// <param name="wall">How long the run took.</param>
    /// <param name="spending">What the clients have spent, by the ledger; empty for a run without privacy.</param>
    /// <param name="productVersion">Version of the program that ran it.</param>
    public static SummaryFile Create(
        RunView run,
        IEnumerable<RoundView> rounds,
        IEnumerable<ContributionView> contributions,
        IReadOnlyList<ClientSpending> spending,
        TimeSpan wall,
        string productVersion)
    {
        var finished = rounds.Where(round => round.State is RoundState.Done or RoundState.Abandoned).OrderBy(round => round.Round).ToList();
        // One source for the whole run: a curve that changes from one data set to another between rounds would mislead.
        var source = finished.Any(round => round.Evaluation is not null) ? ScoreSource.HeldOutData
            : finished.Any(round => round.FederatedEvaluation is not null) ? ScoreSource.Clients
            : ScoreSource.Nothing;
        return new SummaryFile
        {
            RunId = run.RunId,
            Name = run.Name,
            State = run.State,
            Reason = run.Reason,
            Seed = run.Seed,
            StartedAt = run.CreatedAt,
            WallSeconds = Math.Round(wall.TotalSeconds, 3),
            ModelSha256 = run.Model?.Sha256,
            ModelSizeBytes = run.Model?.SizeBytes,
            ParameterCount = run.ParameterCount,
            EventsHead = run.EventsHead,
            ProductVersion = productVersion,
            ScoredOn = source,
            Rounds = [.. finished.Select(round => Round(round, source))],
            Final = finished.Select(round => Scores(round, source)).LastOrDefault(scores => scores is not null),
            Clients = [.. contributions.Select(client => Client(client, run.Spec.Privacy, spending))],
            Guarantee = Guarantees.Of(run.Spec, spending),
            Run = run.Spec,
        };
    }

    /// <summary>Writes <c>summary.json</c> so that a reader sees the old file or the whole new one.</summary>
    public static void Write(SummaryFile summary, string path) => AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(summary, SummaryFile.Json));

    private static SummaryRound Round(RoundView round, ScoreSource source)
    {
        var scores = Scores(round, source);
        return new SummaryRound
        {
            Round = round.Round,
            State = round.State,
            Reason = round.Reason,
            ClientsSelected = round.ClientsSelected,
            ClientsRefused = round.ClientsRefused,
            UpdatesAdmitted = round.UpdatesAdmitted,
            UpdatesLate = round.UpdatesLate,
            UpdatesRejected = round.UpdatesRejected,
            Loss = scores?.Loss,
            Accuracy = scores?.Accuracy,
            ClientLoss = round.FederatedEvaluation?.Loss,
            ClientAccuracy = round.FederatedEvaluation?.Accuracy,
            DurationMs = round.DurationMs,
            BytesDown = round.BytesDown,
            BytesUp = round.BytesUp,
            ClipNorm = round.ClipNorm,
            ModelSha256 = round.ModelSha256,
        };
    }

    private static SummaryScores? Scores(RoundView round, ScoreSource source) => (source, round) switch
    {
        (ScoreSource.HeldOutData, { Evaluation: { } held }) => new SummaryScores
        {
            Round = round.Round,
            ExampleCount = held.ExampleCount,
            Accuracy = held.Accuracy,
            Loss = held.Loss,
            PerClassAccuracy = held.PerClassAccuracy,
            Auc = held.Auc,
            MeanAbsoluteError = held.MeanAbsoluteError,
        },
        (ScoreSource.Clients, { FederatedEvaluation: { } federated }) => new SummaryScores
        {
            Round = round.Round,
            ExampleCount = federated.ExampleCount,
            Accuracy = federated.Accuracy,
            Loss = federated.Loss,
            PerClassAccuracy = null,
            Auc = null,
            MeanAbsoluteError = federated.MeanAbsoluteError,
        },
        _ => null,
    };

    private static SummaryClient Client(ContributionView client, PrivacySpec privacy, IReadOnlyList<ClientSpending> spending)
    {
        var spent = privacy.IsPrivate
            ? spending.FirstOrDefault(account => account.ClientId == client.ClientId && account.Unit == Guarantees.UnitOf(privacy))
            : null;
        return new SummaryClient
        {
            ClientId = client.ClientId,
            Examples = client.Examples,
            RoundsParticipated = client.RoundsParticipated,
            Weight = client.Weight,
            BytesUp = client.BytesUp,
            TrainingSeconds = client.TrainingSeconds,
            Epsilon = spent is null ? null : Guarantees.EpsilonOf(spent),
            Delta = spent is null ? null : Guarantees.DeltaOf(spent),
            Budget = spent?.Budget?.Epsilon,
            Left = spent?.Budget?.Left,
        };
    }
}
