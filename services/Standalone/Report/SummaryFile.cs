using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Report;

/// <summary>A run in figures: the content of <c>summary.json</c>, and all that the report page is made from.</summary>
public record SummaryFile
{
    public required Guid RunId { get; init; }
    public required string Name { get; init; }
    public required RunState State { get; init; }

    /// <summary>Why the run ended early; null otherwise.</summary>
    public required string? Reason { get; init; }

    public required long Seed { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public required double WallSeconds { get; init; }

    /// <summary>SHA-256 of the last global model; null when none was made.</summary>
    public required string? ModelSha256 { get; init; }

    public required long? ModelSizeBytes { get; init; }
    public required int? ParameterCount { get; init; }
    /// <summary>Hash of the last record of <c>events.jsonl</c>; null where the run has no event log.</summary>
    public required string? EventsHead { get; init; }

    public required string ProductVersion { get; init; }

    /// <summary>Where <c>loss</c> and <c>accuracy</c> come from, in all rounds.</summary>
    public required ScoreSource ScoredOn { get; init; }

    /// <summary>Rounds that are over, in order.</summary>
    public required IReadOnlyList<SummaryRound> Rounds { get; init; }

    /// <summary>The newest scores; null when the model was never scored.</summary>
    public required SummaryScores? Final { get; init; }

    public required IReadOnlyList<SummaryClient> Clients { get; init; }

    /// <summary>What the run promises; null where privacy is off.</summary>
    public required Guarantee? Guarantee { get; init; }

    /// <summary>What was run.</summary>
    public required RunSpec Run { get; init; }

    /// <summary>How the file is written: camel case, and <c>null</c> written out where there is no value.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
    };
}

[JsonConverter(typeof(CamelCaseEnumConverter<ScoreSource>))]
public enum ScoreSource
{
    /// <summary>The model was never scored.</summary>
    Nothing,

    /// <summary>The held-out data set of the Aggregator.</summary>
    HeldOutData,

    /// <summary>The clients' validation data.</summary>
    Clients,
}

/// <summary>One round that is over.</summary>
public record SummaryRound
{
    public required int Round { get; init; }
    public required RoundState State { get; init; }

    /// <summary>Why it was abandoned; null otherwise.</summary>
    public required string? Reason { get; init; }

    public required int ClientsSelected { get; init; }
    public required int ClientsRefused { get; init; }
    public required int UpdatesAdmitted { get; init; }

    /// <summary>Late updates of earlier rounds among the clients selected.</summary>
    public required int UpdatesLate { get; init; }

    public required int UpdatesRejected { get; init; }

    /// <summary>Mean loss per example; null where the round was not scored.</summary>
    public required double? Loss { get; init; }

    /// <summary>Share of examples put in the right class; null where the round was not scored or the label is a number.</summary>
    public required double? Accuracy { get; init; }

    /// <summary>Mean loss over the clients' validation examples; null where they did not score the round.</summary>
    public required double? ClientLoss { get; init; }

    /// <summary>Accuracy over the clients' validation examples.</summary>
    public required double? ClientAccuracy { get; init; }

    public required double? DurationMs { get; init; }
    public required long BytesDown { get; init; }
    public required long BytesUp { get; init; }

    /// <summary>C that the Aggregator clipped updates to, in the modes with central.</summary>
    public required double? ClipNorm { get; init; }

    public required string? ModelSha256 { get; init; }
}

/// <summary>Scores of the last model that was scored; what does not fit the task is null.</summary>
public record SummaryScores
{
    public required int Round { get; init; }
    public required long ExampleCount { get; init; }
    public required double? Accuracy { get; init; }
    public required double Loss { get; init; }

    /// <summary>Accuracy by class, in the order of the outputs; null for a class without examples.</summary>
    public required IReadOnlyList<double?>? PerClassAccuracy { get; init; }

    public required double? Auc { get; init; }
    public required double? MeanAbsoluteError { get; init; }
}

/// <summary>What one client did and spent.</summary>
public record SummaryClient
{
    public required string ClientId { get; init; }
    public required int Examples { get; init; }
    public required int RoundsParticipated { get; init; }

    /// <summary>Share of all training examples aggregated that were its own, in [0, 1].</summary>
    public required double Weight { get; init; }

    public required long BytesUp { get; init; }

    /// <summary>Null in a private run.</summary>
    public required double? TrainingSeconds { get; init; }

    /// <summary>ε spent; null where privacy is off.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>δ that ε is stated at; null where privacy is off.</summary>
    public required double? Delta { get; init; }

    /// <summary>ε of the client's budget at δ; null where privacy is off, or none is set.</summary>
    public required double? Budget { get; init; }

    /// <summary>Share of the budget that is left, in [0, 1].</summary>
    public required double? Left { get; init; }
}
