using System.ComponentModel;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Security;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace FlEvents.ServiceDefaults.Quarantine;

/// <summary>The quarantine of every service in this process over HTTP.</summary>
public static class QuarantineEndpoints
{
    private const int LargestPage = 1000;

    public static void MapQuarantine(this IEndpointRouteBuilder app)
    {
        var group = app.MapGroup("/quarantine").WithTags("Quarantine");
        group.MapGet("/", List).WithSummary("Quarantined messages of each service in this process, oldest first.").RequireScope(Scopes.RunsRead);
        group.MapGet("/{service}/{id:long}", Find).WithSummary("One quarantined message with its body.").RequireScope(Scopes.RunsRead);
        group.MapPost("/{service}/{id:long}/replay", ReplayAsync).WithSummary("Sends a quarantined message to its queue again, as a new message.").RequireScope(Scopes.RunsWrite).Audited();
        group.MapDelete("/{service}/{id:long}", DiscardAsync).WithSummary("Forgets a quarantined message for good.").RequireScope(Scopes.RunsWrite).Audited();
    }

    private static Ok<List<QuarantineView>> List(
        IEnumerable<ProcessDatabase> databases,
        [Description("Id of the last message already read; 0 for none.")] long after = 0,
        [Description("Most messages of each service to return, 1 to 1000.")] int limit = 100,
        [Description("Whether the newest are wanted, whatever after is.")] bool newest = false) => TypedResults.Ok(databases
        .SelectMany(
            own => own.Database.Read(transaction => newest
                ? QuarantineStore.Newest(transaction, Math.Clamp(limit, 1, LargestPage))
                : QuarantineStore.After(transaction, after, Math.Clamp(limit, 1, LargestPage))),
            (own, message) => QuarantineView.Of(own.Database, message))
        .OrderBy(view => view.At)
        .Select(view => view with { Body = null })
        .ToList());

    private static Results<Ok<QuarantineView>, NotFound> Find(string service, long id, IEnumerable<ProcessDatabase> databases) =>
        Named(service, databases) is { } database && database.Read(transaction => QuarantineStore.Find(transaction, id)) is { } found
            ? TypedResults.Ok(QuarantineView.Of(database, found))
            : TypedResults.NotFound();

    private static async Task<Results<NoContent, NotFound, ProblemHttpResult>> ReplayAsync(
        string service, long id, IEnumerable<ProcessDatabase> databases, CancellationToken cancellationToken)
    {
        if (Named(service, databases) is not { } database)
        {
            return TypedResults.NotFound();
        }

        try
        {
            var isReplayed = await database.WriteAsync(
                transaction =>
                {
                    var found = QuarantineStore.Find(transaction, id);
                    if (found is not null)
                    {
                        QuarantineStore.Replay(transaction, found);
                    }

                    return found is not null;
                },
                cancellationToken);
            return isReplayed ? TypedResults.NoContent() : TypedResults.NotFound();
        }
        catch (InvalidOperationException e)
        {
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status409Conflict);
        }
    }

    private static async Task<Results<NoContent, NotFound>> DiscardAsync(string service, long id, IEnumerable<ProcessDatabase> databases, CancellationToken cancellationToken) =>
        Named(service, databases) is { } database
        && await database.WriteAsync(transaction => QuarantineStore.Discard(transaction, id), cancellationToken)
            ? TypedResults.NoContent()
            : TypedResults.NotFound();

    private static Database? Named(string service, IEnumerable<ProcessDatabase> databases) => databases.FirstOrDefault(own => own.Database.Name == service)?.Database;
}

/// <summary>A quarantined message as the API shows it.</summary>
public record QuarantineView
{
    /// <summary>Name of the service that put it aside.</summary>
    public required string Service { get; init; }

    public required long Id { get; init; }
    public required string Endpoint { get; init; }
    public required Guid MessageId { get; init; }

    /// <summary>Name of the contract; null where the message can't be read as one.</summary>
    public required string? Type { get; init; }

    public required string Reason { get; init; }
    public required string Detail { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>The message as JSON, or what came in its place; left out of lists.</summary>
    public required string? Body { get; init; }

    internal static QuarantineView Of(Database database, QuarantinedMessage message) => new()
    {
        Service = database.Name,
        Id = message.Id,
        Endpoint = message.Endpoint,
        MessageId = message.MessageId,
        Type = message.Type,
        Reason = message.Reason,
        Detail = message.Detail,
        At = message.At,
        Body = message.Body,
    };
}
