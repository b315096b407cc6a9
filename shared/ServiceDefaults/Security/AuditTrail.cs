using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>
/// Writes the audit log of this process: one log, in the database of its service. Where several services share the process it is the ledger's, whose commits are on
/// the disk when they return, whatever the durability of the others: one order of all that was done, and one chain to verify.
/// </summary>
public sealed partial class AuditTrail
{
    private const int LongestName = 256;
    private const int LongestPath = 1024;
    private readonly Database? _database;
    private readonly ILogger<AuditTrail> _log;

    public AuditTrail(IEnumerable<ProcessDatabase> databases, ILogger<AuditTrail> log)
    {
        var all = databases.Select(own => own.Database).ToList();
        _database = all.Find(database => database.KeepsAudit) ?? all.FirstOrDefault();
        _log = log;
    }

    /// <summary>At most <paramref name="limit"/> rows that follow sequence <paramref name="after"/>.</summary>
    public IReadOnlyList<AuditRow> Page(long after, int limit) => _database?.Read(transaction => AuditStore.Page(transaction, after, limit)) ?? [];

    /// <summary>Notes what somebody asks for, before it is carried out.</summary>
    /// <param name="bodySha256">Null where no body was read.</param>
    /// <returns>The row's sequence; null when it could not be written, and so must not be carried out.</returns>
    internal Task<long?> AskedAsync(HttpContext http, string? bodySha256) => TryAppendAsync(RowOf(http, AuditStep.Asked) with { BodySha256 = bodySha256 }, nameof(AskedAsync));

    /// <summary>Notes how it ended. When that can't be written it has happened all the same: the log of the process tells it.</summary>
    internal Task AnsweredAsync(long asked, int status) => TryAppendAsync(RowOf(AuditStep.Answered) with { Answers = asked, Status = status }, nameof(AnsweredAsync));

    /// <summary>Notes that a known caller asked for what he may not do.</summary>
    internal Task RefusedAsync(HttpContext http) => TryAppendAsync(RowOf(http, AuditStep.Refused) with { Status = StatusCodes.Status403Forbidden }, nameof(RefusedAsync));

    private async Task<long?> TryAppendAsync(AuditRow row, string operation)
    {
        if (_database is null)
        {
            return null;
        }

        try
        {
            return await _database.WriteOrFailAsync(transaction => AuditStore.Append(transaction, row), CancellationToken.None, operation);
        }
        catch (Exception e) when (SqliteFaults.IsTransient(e) || e is OperationCanceledException)
        {
            LogUnwritten(row.Step, row.Status, e.Message);
            return null;
        }
    }

    private static AuditRow RowOf(HttpContext http, string step) => RowOf(step) with
    {
        Who = PrintableText.Of(http.User.Identity?.Name ?? "", LongestName),
        Method = PrintableText.Of(http.Request.Method, LongestName),
        Route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText,
        Path = PrintableText.Of((http.Request.PathBase + http.Request.Path).ToUriComponent(), LongestPath),
        Scope = string.Join(' ', Access.NeededScopes(http.GetEndpoint())),
        Remote = Access.AddressOf(http)?.ToString(),
    };

    // Time and place in the chain come with the transaction.
    private static AuditRow RowOf(string step) => new() { Sequence = 0, Step = step, At = "", PreviousHash = "", Hash = "" };

    [LoggerMessage(LogLevel.Error, "The audit log lacks a row: {step}, status {status}. {fault}")]
    private partial void LogUnwritten(string step, int? status, string fault);
}
