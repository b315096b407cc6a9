using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;

namespace FlEvents.Standalone.Privacy;

/// <summary>What a worker was asked, did and spent for each of its clients, by its own books.</summary>
public sealed record OwnerRecord
{
    /// <summary>As <c>--json</c> writes it.</summary>
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>In order of their ids.</summary>
    public required IReadOnlyList<ClientRecord> Clients { get; init; }
}

public sealed record ClientRecord
{
    public required string ClientId { get; init; }

    /// <summary>Over all runs.</summary>
    public required IReadOnlyList<DataSetRecord> DataSets { get; init; }

    /// <summary>The one that asked first is the first.</summary>
    public required IReadOnlyList<RunRecord> Runs { get; init; }
}

public sealed record DataSetRecord
{
    public required string DataSet { get; init; }
    public required IReadOnlyList<UnitRecord> Units { get; init; }
}

/// <summary>What one run asked of one client's part of a data set.</summary>
public sealed record RunRecord
{
    public required Guid RunId { get; init; }

    /// <summary>As the server gave it; empty where it gave none.</summary>
    public required string Name { get; init; }

    public required string Strategy { get; init; }
    public required string DataSet { get; init; }

    /// <summary>Null where it asked for evaluations alone.</summary>
    public required DateTimeOffset? FirstAskedAt { get; init; }

    public required DateTimeOffset? LastAskedAt { get; init; }

    /// <summary>Tasks.</summary>
    public required long Asked { get; init; }

    public required long Accepted { get; init; }

    /// <summary>Accepted and not ended yet.</summary>
    public required long Open { get; init; }

    /// <summary>Tasks whose update was sent.</summary>
    public required long Done { get; init; }

    public required long Interrupted { get; init; }
    public required long Refused { get; init; }

    /// <summary>Why tasks were refused or interrupted.</summary>
    public required IReadOnlyList<EndRecord> Ends { get; init; }

    /// <summary>Evaluations answered, and those that the owner does not allow.</summary>
    public required long Evaluated { get; init; }

    public required long EvaluationsRefused { get; init; }

    /// <summary>Bytes of the updates that were sent.</summary>
    public required long SentBytes { get; init; }

    /// <summary>Bytes of the models that tasks and evaluations began from, each counted for each of them.</summary>
    public required long ReceivedBytes { get; init; }

    public required IReadOnlyList<UnitRecord> Units { get; init; }
}

/// <summary>Tasks that ended without an update.</summary>
/// <param name="Rule">The owner's rule; null where there was another reason.</param>
public sealed record EndRecord(string State, string ReasonCode, string? Rule, long Tasks);

/// <summary>What is spent in one privacy unit.</summary>
public sealed record UnitRecord
{
    public required PrivacyUnit Unit { get; init; }

    /// <summary>Accepted tasks.</summary>
    public required long Tasks { get; init; }

    /// <summary>Those of them that nothing noised: if there is one, no ε holds for all.</summary>
    public required long Unbounded { get; init; }

    /// <summary>ε at δ of the others together, in the measure of the books; null where there are none.</summary>
    public required double? Epsilon { get; init; }

    public required double Delta { get; init; }
}

/// <summary>There is no worker's database at a place. The message says where, and what was expected.</summary>
public sealed class NoOwnerRecordException(string message) : Exception(message);
