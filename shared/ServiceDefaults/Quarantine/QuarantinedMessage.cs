namespace FlEvents.ServiceDefaults.Quarantine;

/// <summary>A message that a service can't or won't act on.</summary>
public record QuarantinedMessage
{
    /// <summary>From 1, within its service.</summary>
    public required long Id { get; init; }

    /// <summary>The queue it came from.</summary>
    public required string Endpoint { get; init; }

    public required Guid MessageId { get; init; }

    /// <summary>Name of the contract; null where the message can't be read as one.</summary>
    public required string? Type { get; init; }

    /// <summary>The contract as JSON, or what came in its place, cut to 64 Ki characters.</summary>
    public required string Body { get; init; }

    /// <summary>One of <see cref="QuarantineReason"/>, or the code of a rejection.</summary>
    public required string Reason { get; init; }

    /// <summary>One sentence that names the value and what was expected.</summary>
    public required string Detail { get; init; }

    public required DateTimeOffset At { get; init; }
}

/// <summary>Why a message is put aside.</summary>
public static class QuarantineReason
{
    /// <summary>It is no message of the contracts.</summary>
    public const string Unreadable = "UNREADABLE";

    /// <summary>It can be read, and what it says can't be acted on.</summary>
    public const string Poison = "POISON";
}
