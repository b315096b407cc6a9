namespace FlEvents.Contracts;

/// <summary>Event: an update will not be aggregated. Its charge stays.</summary>
public record UpdateRejected
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }

    /// <summary>Why: one of <see cref="RejectionCode"/>.</summary>
    public required string ReasonCode { get; init; }

    /// <summary>One sentence that names the value and what was expected.</summary>
    public required string Detail { get; init; }

    /// <summary>Whether this answers the member's task; false when a further submission of a member that is already answered was turned away.</summary>
    public required bool IsFinal { get; init; }
}

/// <summary>Reason codes of <see cref="UpdateRejected"/>.</summary>
public static class RejectionCode
{
    /// <summary>The round was closed before the update was admitted. Where the run lets late updates count it is kept for a later round.</summary>
    public const string Late = "LATE";

    /// <summary>The client is not in the round's cohort, or the reservation is another's.</summary>
    public const string NotSelected = "NOT_SELECTED";

    /// <summary>The lease token is not the one that is good now.</summary>
    public const string LeaseLost = "LEASE_LOST";

    /// <summary>The client has a key, and did not sign this update with it.</summary>
    public const string BadSignature = "BAD_SIGNATURE";

    /// <summary>The update was trained from another model than the round's.</summary>
    public const string WrongBaseModel = "WRONG_BASE_MODEL";

    /// <summary>A second, different update for the same client and round.</summary>
    public const string Equivocation = "EQUIVOCATION";

    /// <summary>The blob is not in the update store, or its bytes are not those announced.</summary>
    public const string BlobMismatch = "BLOB_MISMATCH";

    /// <summary>The blob is larger than the round's model allows.</summary>
    public const string TooLarge = "TOO_LARGE";

    /// <summary>The blob is not well-formed safetensors.</summary>
    public const string Malformed = "MALFORMED";

    /// <summary>Tensor names, shapes or types differ from the model's.</summary>
    public const string WrongLayout = "WRONG_LAYOUT";

    /// <summary>An element is NaN or infinite.</summary>
    public const string NotFinite = "NOT_FINITE";

    /// <summary>The norm is above what clipping and honest noise give.</summary>
    public const string NormTooLarge = "NORM_TOO_LARGE";

    /// <summary>The example count is missing, below 1 or above the declared one; or given where the privacy mode forbids it.</summary>
    public const string ExampleCount = "EXAMPLE_COUNT";
}
