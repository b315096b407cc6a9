using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using FlEvents.Contracts;

namespace FlEvents.Orchestrator.Edge;

/// <summary>A client that was invited to come over HTTPS (docs/enrolment.md).</summary>
public record Enrolment
{
    public required string ClientId { get; init; }

    /// <summary>Whose budgets its data is charged to. Never changes, so that no new key and no new invitation gives a fresh budget.</summary>
    public required string Owner { get; init; }

    /// <summary>SHA-256 of the newest invitation's token, until what came with it is approved.</summary>
    public string? TokenSha256 { get; init; }

    public DateTimeOffset? TokenEndsAt { get; init; }

    /// <summary>The key that came with the token, and waits for an operator's word.</summary>
    public string? WaitingKey { get; init; }

    public IReadOnlyList<DeclaredData>? WaitingData { get; init; }

    /// <summary>The key that is good.</summary>
    public string? Key { get; init; }

    public bool IsSuspended { get; init; }
    public bool IsRevoked { get; init; }
    public DateTimeOffset ChangedAt { get; init; }

    public EnrolmentState State => this switch
    {
        { IsRevoked: false, Key: not null, IsSuspended: true } => EnrolmentState.Suspended,
        { IsRevoked: false, Key: not null } => EnrolmentState.Active,
        { WaitingKey: not null } => EnrolmentState.Waiting,
        { TokenSha256: not null } => EnrolmentState.Invited,
        _ => EnrolmentState.Revoked,
    };

    /// <summary>The ledger that a data set of this client is charged to.</summary>
    public ClientDataSet DataSetOf(DeclaredData declared) => new()
    {
        Ledger = new LedgerIdentity
        {
            Owner = Owner,
            DataSet = declared.DataSet,
            PartitionRule = Learning.Data.PartitionSpec.DescribeUnits("whole", declared.PrivacyUnitColumn),
            PartitionSeed = 0,
            PartitionIndex = 0,
        },
        ExampleCount = declared.ExampleCount,
        PrivacyUnitColumn = declared.PrivacyUnitColumn,
    };
}

/// <summary>Where an enrolment stands.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<EnrolmentState>))]
public enum EnrolmentState
{
    /// <summary>Its token has not come back yet.</summary>
    Invited,

    /// <summary>Its key waits for an operator's word.</summary>
    Waiting,

    Active,

    /// <summary>Neither drawn nor heard, until it is resumed.</summary>
    Suspended,

    /// <summary>It has left; only a new invitation brings it back.</summary>
    Revoked,
}

/// <summary>What a client says that it holds of a data set.</summary>
public partial record DeclaredData
{
    private const int LongestColumn = 64;

    public required string DataSet { get; init; }

    /// <summary>Examples, or privacy units where there is a column; public, at least 1.</summary>
    public required int ExampleCount { get; init; }

    /// <summary>Column whose values are the privacy units; null where each row is one.</summary>
    public string? PrivacyUnitColumn { get; init; }

    /// <summary>What is wrong with it, a sentence; null when nothing is.</summary>
    public string? Defect() =>
        !NamePattern().IsMatch(DataSet) ? $"dataSet is \"{DataSet}\"; expected 1 to 64 of a-z, 0-9 and -."
        : ExampleCount < 1 ? $"exampleCount of {DataSet} is {ExampleCount}; expected at least 1."
        : PrivacyUnitColumn is { Length: 0 or > LongestColumn } column ? $"privacyUnitColumn of {DataSet} has {column.Length} characters; expected 1 to {LongestColumn}."
        : null;

    [GeneratedRegex("^[a-z0-9-]{1,64}\\z")]
    internal static partial Regex NamePattern();
}
