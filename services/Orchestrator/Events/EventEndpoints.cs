using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlEvents.Orchestrator.Events;

/// <summary>The event logs of runs over HTTP, to be read and verified from outside.</summary>
public static class EventEndpoints
{
    /// <summary>Most records in one answer.</summary>
    public const int LargestPage = 1000;

    public static void MapEventLogs(this IEndpointRouteBuilder app) => app
        .MapGet("/runs/{runId:guid}/log", Page)
        .WithTags("Runs")
        .WithSummary("The run's event log: records that follow a sequence, at most 1000. /events is its progress as it happens.")
        .RequireScope(Scopes.RunsRead);

    private static Results<Ok<IReadOnlyList<EventRecord>>, ProblemHttpResult> Page(Guid runId, OrchestratorDatabase database, long after = 0, int limit = 100) =>
        database.Read<Results<Ok<IReadOnlyList<EventRecord>>, ProblemHttpResult>>(transaction => RunStore.Find(transaction, runId) is null
            ? TypedResults.Problem($"There is no run {runId}.", statusCode: StatusCodes.Status404NotFound)
            : TypedResults.Ok(EventStore.Page(transaction, runId, after, Math.Clamp(limit, 1, LargestPage))));
}
