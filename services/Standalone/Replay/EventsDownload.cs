using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Events;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.Standalone.Commands;
using FlEvents.Standalone.Report;

namespace FlEvents.Standalone.Replay;

/// <summary>Takes a run's event log and models from a deployment over HTTP. Updates can't be taken: the update store is the Aggregator's alone.</summary>
public sealed class EventsDownload : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);
    private readonly HttpClient _orchestrator;
    private readonly HttpClient _aggregator;

    /// <param name="orchestrator">Address of the Orchestrator, with a slash at its end.</param>
    /// <param name="aggregator">Address of the Aggregator, with a slash at its end.</param>
    public EventsDownload(Uri orchestrator, Uri aggregator)
    {
        _orchestrator = ServiceCalls.To(orchestrator, Patience);
        _aggregator = ServiceCalls.To(aggregator, Patience);
    }

    public void Dispose()
    {
        _orchestrator.Dispose();
        _aggregator.Dispose();
    }

    /// <summary>Makes a folder of a run that is over, for replay.</summary>
    /// <returns>What was taken, in a sentence.</returns>
    /// <exception cref="NoEventLogException">There is no such run, it is not over, or it has no log.</exception>
    /// <exception cref="BlobException">A model is missing, or not what the log says.</exception>
    public async Task<string> ToAsync(Guid runId, string folder, CancellationToken cancellationToken)
    {
        var run = await RunAsync(runId, cancellationToken);
        if (!run.TryGetProperty(EventsAnchor.Name, out var head) || head.ValueKind != JsonValueKind.String)
        {
            var isOver = run.TryGetProperty("endedAt", out var ended) && ended.ValueKind == JsonValueKind.String;
            throw new NoEventLogException(isOver
                ? $"Run {runId} has no event log: it was begun by a version that kept none."
                : $"Run {runId} is {run.GetProperty("state").GetString()}; expected one that is over.");
        }

        Directory.CreateDirectory(folder);
        var records = await RecordsAsync(runId, head.GetString()!, cancellationToken).ToListAsync(cancellationToken);
        EventsFile.Write(Path.Combine(folder, "events.jsonl"), records);
        AtomicFile.Write(Path.Combine(folder, "run.json"), JsonSerializer.SerializeToUtf8Bytes(run));
        var models = records.Select(ModelOf).OfType<BlobRef>().Distinct().ToList();
        var store = new BlobFolder(Path.Combine(folder, "models"), synced: false);
        foreach (var model in models)
        {
            store.Publish(store.Stage(await new HttpModelSource(_aggregator).ReadAsync(model, cancellationToken)));
        }

        return $"{records.Count} records and {models.Count} models of run {runId} are in {folder}.";
    }

    private async Task<JsonElement> RunAsync(Guid runId, CancellationToken cancellationToken)
    {
        using var response = await _orchestrator.GetAsync(new Uri($"runs/{runId}", UriKind.Relative), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            throw new NoEventLogException($"There is no run {runId} at {_orchestrator.BaseAddress}.");
        }

        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
    }

    // Up to the head that the run was shown with: word of a late update may still come.
    private async IAsyncEnumerable<EventRecord> RecordsAsync(Guid runId, string head, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var after = 0L;
        for (var page = await PageAsync(runId, after, cancellationToken); page.Count > 0; page = await PageAsync(runId, after, cancellationToken))
        {
            foreach (var record in page)
            {
                after = record.Sequence;
                yield return record;
                if (record.Hash == head)
                {
                    yield break;
                }
            }
        }
    }

    private async Task<IReadOnlyList<EventRecord>> PageAsync(Guid runId, long after, CancellationToken cancellationToken) =>
        (await _orchestrator.GetFromJsonAsync<List<EventRecord>>(
            new Uri(string.Create(CultureInfo.InvariantCulture, $"runs/{runId}/log?after={after}&limit={EventEndpoints.LargestPage}"), UriKind.Relative), cancellationToken))!;

    private static BlobRef? ModelOf(EventRecord record) => record.Type switch
    {
        nameof(ModelPublished) => JsonSerializer.Deserialize<ModelPublished>(record.Body, JsonSerializerOptions.Web)!.Model,
        nameof(RoundAggregated) => JsonSerializer.Deserialize<RoundAggregated>(record.Body, JsonSerializerOptions.Web)!.Model,
        _ => null,
    };
}
