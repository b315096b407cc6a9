using FlEvents.Aggregator;
using FlEvents.ClientWorker;
using FlEvents.ClientWorker.Updates;
using FlEvents.CrashPoints.Tests.Stories;
using FlEvents.EndToEnd.Tests;
using FlEvents.Orchestrator;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Standalone.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlEvents.CrashPoints.Tests;

/// <summary>What came of a story.</summary>
/// <param name="Order">The points in the order in which they were come to first.</param>
/// <param name="Hits">How often each point was come to, in all lives together.</param>
/// <param name="Died">The deaths that were died.</param>
/// <param name="Remains">What was left at the end.</param>
/// <param name="Faults">What should not be so.</param>
internal sealed record Outcome(IReadOnlyList<string> Order, IReadOnlyDictionary<string, int> Hits, IReadOnlyList<Death> Died, Remains Remains, IReadOnlyList<string> Faults);

/// <summary>A federation that dies and is started again from its folder until its story has come to its end.</summary>
internal static class World
{
    /// <summary>Tells a story to its end.</summary>
    /// <param name="deaths">Where it is broken off, one after the other: each start dies at the first that has not been, and the last goes on to the end.</param>
    /// <param name="expected">What an undisturbed telling has left; null for that itself.</param>
    public static async Task<Outcome> TellAsync(IStory story, IReadOnlyList<Death> deaths, Remains? expected)
    {
        var folder = Directory.CreateDirectory(Path.Combine(FastFolder, $"flevents-{Guid.NewGuid():N}")).FullName;
        try
        {
            List<string> order = [];
            Dictionary<string, int> hits = [];
            List<Death> died = [];
            List<Remains> remains = [];
            for (var isOver = false; !isOver;)
            {
                using var life = new Life(folder, remains.Count + 1, deaths.ElementAtOrDefault(died.Count));
                isOver = await LiveAsync(story, life, deaths);
                remains.Add(Remains.In(folder));
                if (life.HasDied)
                {
                    died.Add(deaths[died.Count]);
                }

                order.AddRange(life.Order.Except(order).ToList());
                foreach (var (point, count) in life.Hits)
                {
                    hits[point] = hits.GetValueOrDefault(point) + count;
                }
            }

            var faults = await remains[^1].FaultsAsync(folder, remains[..^1]);
            faults.AddRange(story.Faults(remains[^1], expected ?? remains[^1]));
            return new Outcome(order, hits, died, remains[^1], faults);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // In memory where there is such a folder: a sync costs nothing there, and what is not synced is not lost in these tests anyway.
    private static string FastFolder => Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    /// <returns>Whether the story is at its end.</returns>
    private static async Task<bool> LiveAsync(IStory story, Life life, IReadOnlyList<Death> deaths)
    {
        Federation? federation = null;
        var isOver = false;
        try
        {
            federation = await Federation.StartAsync(story.RunFile, life.Folder, Transport.Memory, "http://127.0.0.1:0", life.Died, services => Adjust(services, story, life));
            isOver = await story.TellAsync(federation, life).WaitAsync(Product.Patience, life.Died);
        }
        catch (Exception) when (life.HasDied)
        {
            // Whatever the rest of a dead process makes of it.
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"\"{story.Name}\" stands still in life {life.Number}, after {string.Join(", then ", deaths)}. {string.Join("; ", Standing.In(life.Folder))}", e);
        }

        try
        {
            await (federation?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
        catch (Exception) when (life.HasDied)
        {
            // It can't say goodbye any more.
        }

        return isOver && !life.HasDied;
    }

    private static void Adjust(IServiceCollection services, IStory story, Life life)
    {
        services.AddLogging(logging => logging.ClearProviders());
        services.PostConfigure<OrchestratorOptions>(options => options.Durability = Durability.Power);
        services.PostConfigure<AggregatorOptions>(options => options.Durability = Durability.Power);
        services.PostConfigure<ClientWorkerOptions>(options => options.Durability = Durability.Power);
        services.AddSingleton<IUpdateSink, LoopbackSink>();
        story.Adjust(services, life);
    }
}
