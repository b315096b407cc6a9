using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Security.Claims;
using FlEvents.Orchestrator.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FlEvents.Orchestrator.Api;

/// <summary>Progress as server-sent events. A stream ends with the service, with its reader, and with the token that opened it.</summary>
public static class RunEventStreams
{
    private const string TokenEnd = "exp";

    /// <param name="lastEventId">What a reader was told last: rounds that it knows are not told again. Anything else begins anew.</param>
    public static Results<ServerSentEventsResult<ProgressEvent>, ProblemHttpResult> OfRun(
        Guid runId,
        HttpContext http,
        OrchestratorDatabase database,
        RunProgress progress,
        IHostApplicationLifetime lifetime,
        TimeProvider time,
        [FromHeader(Name = "Last-Event-ID")] string? lastEventId = null,
        bool cohort = false)
    {
        if (database.Read(transaction => RunStore.Find(transaction, runId)) is null)
        {
            return RunEndpoints.NoRun(runId);
        }

        var after = int.TryParse(lastEventId, NumberStyles.None, CultureInfo.InvariantCulture, out var known) ? known : 0;
        return TypedResults.ServerSentEvents(UntilEndAsync(
            stop => progress.WatchAsync(runId, stop, cohort, after),
            change => new SseItem<ProgressEvent>(change, NameOf(change)) { EventId = change.KnownUpTo.ToString(CultureInfo.InvariantCulture) },
            EndOf(http.User, time),
            lifetime.ApplicationStopping,
            http.RequestAborted));

        static string NameOf(ProgressEvent change) => change.Round is not null ? "round" : change.Cohort is not null ? "cohort" : "run";
    }

    public static ServerSentEventsResult<RunsEvent> OfAll(HttpContext http, RunProgress progress, IHostApplicationLifetime lifetime, TimeProvider time) =>
        // Whoever has no run yet is told that too, and before the first one is there.
        TypedResults.ServerSentEvents(UntilEndAsync(
            progress.WatchAllAsync, told => new SseItem<RunsEvent>(told, told.Run is null ? "whole" : "run"), EndOf(http.User, time), lifetime.ApplicationStopping, http.RequestAborted));

    // A service that stops would wait for whoever watches, as long as it may.
    private static async IAsyncEnumerable<SseItem<T>> UntilEndAsync<T>(
        Func<CancellationToken, IAsyncEnumerable<T>> watch, Func<T, SseItem<T>> item, TimeSpan? longest, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        end.CancelAfter(longest ?? Timeout.InfiniteTimeSpan);

        await using var changes = watch(end.Token).GetAsyncEnumerator(cancellationToken);
        while (await ComesAsync())
        {
            yield return item(changes.Current);
        }

        async Task<bool> ComesAsync()
        {
            try
            {
                return await changes.MoveNextAsync();
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return false;
            }
        }
    }

    /// <summary>How long the reader's token is good; null for a key, which has no end.</summary>
    private static TimeSpan? EndOf(ClaimsPrincipal reader, TimeProvider time)
    {
        if (!long.TryParse(reader.FindFirstValue(TokenEnd), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            return null;
        }

        // A timer takes no more than 49 days.
        var left = DateTimeOffset.FromUnixTimeSeconds(Math.Min(seconds, DateTimeOffset.MaxValue.ToUnixTimeSeconds())) - time.GetUtcNow();
        return left < TimeSpan.Zero ? TimeSpan.Zero : left > TimeSpan.FromDays(1) ? TimeSpan.FromDays(1) : left;
    }
}
