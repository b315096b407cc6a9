using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Security;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlEvents.PrivacyAccountant;

/// <summary>Tells why a ledger is quarantined, and ends it where a person has to.</summary>
public static class LedgerQuarantineEndpoints
{
    private const int LongestReason = 1000;

    public static void MapLedgerQuarantine(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/ledger/quarantine").WithTags("Ledger");
        group.MapGet("/", (LedgerStore ledger) => TypedResults.Ok(ledger.Database.Read(LedgerQuarantineView.Of))).WithSummary("Whether the ledger is quarantined, and what keeps it so.").RequireScope(Scopes.LedgerRead);
        group.MapPost("/ask", AskAsync).WithSummary("Asks the other services once more for what the ledger has lost.").RequireScope(Scopes.LedgerAdmin).Audited();
        group.MapPost("/accept", AcceptAsync).WithSummary("Ends the quarantine with what could not be accounted for as it is. The reason is written into the log.").RequireScope(Scopes.LedgerAdmin).Audited();
    }

    private static async Task<Results<Ok<LedgerQuarantineView>, ProblemHttpResult>> AskAsync(LedgerStore ledger, CancellationToken cancellationToken)
    {
        var view = await ledger.Database.WriteAsync(
            transaction =>
            {
                if (LedgerQuarantines.Find(transaction) is { } quarantine)
                {
                    LedgerQuarantines.Ask(transaction, quarantine);
                }

                return LedgerQuarantineView.Of(transaction);
            },
            cancellationToken);
        return view.IsQuarantined ? TypedResults.Ok(view) : NotQuarantined();
    }

    private static async Task<Results<Ok<LedgerQuarantineView>, ProblemHttpResult>> AcceptAsync(
        LedgerStore ledger, PrivacyAccountantMetrics metrics, AcceptRequest request, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(request.Reason) || request.Reason.Length > LongestReason)
        {
            return TypedResults.Problem($"reason has {request.Reason?.Length ?? 0} characters: it must be a text of 1 to {LongestReason}.", statusCode: StatusCodes.Status400BadRequest);
        }

        var (decision, view) = await ledger.Database.WriteAsync(
            transaction => (LedgerQuarantines.Accept(transaction, request.Reason), LedgerQuarantineView.Of(transaction)), cancellationToken);
        metrics.Record(decision);
        return decision is null ? NotQuarantined() : TypedResults.Ok(view);
    }

    private static ProblemHttpResult NotQuarantined() => TypedResults.Problem("The ledger is not quarantined.", statusCode: StatusCodes.Status409Conflict);
}

/// <summary>Whether a ledger is quarantined, as the API shows it.</summary>
public record LedgerQuarantineView
{
    public required bool IsQuarantined { get; init; }

    /// <summary>The entry that began it; null when it is not.</summary>
    public required LedgerReceipt? Entry { get; init; }

    /// <summary>Why, a sentence for each cause.</summary>
    public required IReadOnlyList<string> Causes { get; init; }

    /// <summary>What keeps it from ending by itself, a sentence each.</summary>
    public required IReadOnlyList<string> Obstacles { get; init; }

    /// <summary>Messages that wait for its end.</summary>
    public required int Held { get; init; }

    internal static LedgerQuarantineView Of(Transaction transaction) => LedgerQuarantines.Find(transaction) is { } quarantine
        ? new()
        {
            IsQuarantined = true,
            Entry = quarantine.Entry,
            Causes = [.. quarantine.Causes.Select(cause => cause.Text)],
            Obstacles = LedgerQuarantines.Obstacles(transaction, quarantine),
            Held = LedgerQuarantines.CountHeld(transaction),
        }
        : new() { IsQuarantined = false, Entry = null, Causes = [], Obstacles = [], Held = 0 };
}

/// <summary>A person's word that a ledger may charge again.</summary>
public record AcceptRequest
{
    /// <summary>Why, in their own words; kept in the log.</summary>
    public required string Reason { get; init; }
}
