namespace FlEvents.ServiceDefaults.Security;

/// <summary>What a row of the audit log tells.</summary>
public static class AuditStep
{
    /// <summary>Somebody asked for a change or a sensitive copy, and it is about to be carried out.</summary>
    public const string Asked = "asked";

    /// <summary>How that ended, as the caller was told; absent where the process died in between, or could not write any more.</summary>
    public const string Answered = "answered";

    /// <summary>A known caller asked for what he may not do.</summary>
    public const string Refused = "refused";
}

/// <summary>One row of the audit log, chained to the row before. No key, token, query or body is in it.</summary>
public record AuditRow
{
    /// <summary>Dense from 1.</summary>
    public required long Sequence { get; init; }

    /// <summary>One of <see cref="AuditStep"/>.</summary>
    public required string Step { get; init; }

    /// <summary>UTC, <c>yyyy-MM-ddTHH:mm:ss.fffffffZ</c>, by the service's clock.</summary>
    public required string At { get; init; }

    /// <summary>Sequence of the row that an answer is for, which has all that was asked; null otherwise.</summary>
    public long? Answers { get; init; }

    /// <summary>Name of the API key's holder or the token's <c>sub</c>.</summary>
    public string? Who { get; init; }

    public string? Method { get; init; }

    /// <summary>Pattern of the endpoint.</summary>
    public string? Route { get; init; }

    /// <summary>As it was asked for, percent-encoded, without its query.</summary>
    public string? Path { get; init; }

    /// <summary>Scope that the endpoint asks for.</summary>
    public string? Scope { get; init; }

    /// <summary>Address on the other side of the connection; a proxy's where there is one.</summary>
    public string? Remote { get; init; }

    /// <summary>SHA-256 of the body; null where none was read.</summary>
    public string? BodySha256 { get; init; }

    /// <summary>HTTP status of the answer; null of what was asked.</summary>
    public int? Status { get; init; }

    /// <summary>Hash of the row before, 64 lower-case hexadecimal digits; 64 zeros before the first.</summary>
    public required string PreviousHash { get; init; }

    /// <summary>SHA-256 of the previous hash's 32 bytes and this row's canonical text.</summary>
    public required string Hash { get; init; }
}
