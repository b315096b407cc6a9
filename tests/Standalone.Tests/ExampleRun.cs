using FlEvents.Contracts;
using FlEvents.Learning.Randomness;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Report;

namespace FlEvents.Standalone.Tests;

/// <summary>A made-up run with figures of the size that training gives.</summary>
internal static class ExampleRun
{
    private static readonly DateTimeOffset Start = new(2025, 5, 12, 10, 31, 0, TimeSpan.Zero);

    public static RunSpec Spec { get; } = new()
    {
        Name = "Handwritten digits",
        Seed = 7,
        Rounds = 12,
        Model = new ModelSpec { Name = ModelName.Cnn, InputShape = [1, 28, 28], Outputs = 10 },
        Data = new DataSpec { DataSet = "digits", Image = new ImageScaling { Mean = 0.13, Scale = 0.31 } },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 32, ValidationFraction = 0.1 },
        Evaluation = new EvaluationSpec { DataSet = "digits-test", Federated = true },
    };

    public static RunView Run(RunState state = RunState.Completed, RunSpec? spec = null) => new()
    {
        RunId = new Guid("0b1f2c9e-55d0-4a3e-9a51-0f8f6c1f7a11"),
        Name = (spec ?? Spec).Name,
        State = state,
        Seed = (spec ?? Spec).Seed,
        Round = (spec ?? Spec).Rounds,
        Rounds = (spec ?? Spec).Rounds,
        CreatedAt = Start,
        EndedAt = Start.AddSeconds(41.3),
        Reason = null,
        Model = new BlobRef { Sha256 = Hash(999), SizeBytes = 175_904 },
        ParameterCount = 43_914,
        EventsHead = Hash(1000),
        Spec = spec ?? Spec,
    };

    public static IReadOnlyList<RoundView> Rounds(int count = 12, int cohort = 10, int? abandoned = 7) =>
        [.. Enumerable.Range(1, count).Select(round => Round(round, cohort, round == abandoned))];

    public static RoundView Round(int round, int cohort, bool abandoned = false)
    {
        var random = SeededRandom.Derive(3, "round", round);
        var noise = random.NextDouble();
        var admitted = abandoned ? 2 : cohort - random.NextInt(2);
        var accuracy = 0.984 - (0.62 * Math.Exp(-round / 1.8)) - (0.006 * noise);
        return new RoundView
        {
            Round = round,
            State = abandoned ? RoundState.Abandoned : RoundState.Done,
            ClientsSelected = cohort,
            ClientsRefused = 0,
            UpdatesAdmitted = admitted,
            UpdatesLate = 0,
            UpdatesRejected = abandoned ? cohort - 2 : 0,
            BytesDown = 175_904L * cohort,
            BytesUp = 175_904L * admitted,
            ClipNorm = null,
            StartedAt = Start.AddSeconds(3 * round),
            DurationMs = 2900 + (900 * noise),
            Evaluation = abandoned ? null : new ModelEvaluation
            {
                ExampleCount = 1000,
                Loss = 0.052 + (1.9 * Math.Exp(-round / 1.6)) + (0.02 * noise),
                Accuracy = accuracy,
                PerClassAccuracy = [.. Enumerable.Range(0, 10).Select(c => (double?)Math.Min(1, accuracy - 0.02 + (0.004 * ((c * 7) % 10))))],
                Auc = null,
                MeanAbsoluteError = null,
            },
            FederatedEvaluation = abandoned ? null : new FederatedEvaluationView
            {
                Clients = cohort,
                ExampleCount = 600,
                Loss = 0.047 + (1.8 * Math.Exp(-round / 1.6)) + (0.04 * noise),
                Accuracy = Math.Min(1, accuracy + 0.004 - (0.009 * noise)),
                MeanAbsoluteError = null,
            },
            ModelSha256 = abandoned ? null : Hash(round),
            Receipt = null,
            Reason = abandoned ? "2 updates admitted, 5 needed" : null,
        };
    }

    public static IReadOnlyList<ContributionView> Contributions(int count = 10)
    {
        var examples = Enumerable.Range(0, count).Select(i => 480 + SeededRandom.Derive(3, "client", i).NextInt(240)).ToArray();
        return [.. examples.Select((own, i) => new ContributionView
        {
            ClientId = $"client-{i}",
            Examples = own,
            RoundsParticipated = 12 - (i % 3),
            Weight = (double)own / examples.Sum(),
            BytesUp = 175_904L * (12 - (i % 3)),
            TrainingSeconds = 18.4 + (i % 4),
        })];
    }

    public static SummaryFile Summary() => Standalone.Report.Summary.Create(Run(), Rounds(), Contributions(), [], TimeSpan.FromSeconds(41.3), "0.1.0");

    private static string Hash(int number) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(number)));
}
