using System.Collections.Concurrent;
using System.Globalization;
using FlEvents.CrashPoints.Tests.Stories;

namespace FlEvents.CrashPoints.Tests;

/// <summary>Lets stories die at points and keeps what came of it.</summary>
internal sealed class Survival(ITestOutputHelper output)
{
    // A start waits for its threads more than it computes.
    private const int AtOnce = 6;
    private const int Attempts = 4;

    private static readonly IStory[] Plain = [new PlainStory("none"), new PlainStory("local"), new PlainStory("central")];

    private static readonly IStory[] Stories =
    [
        .. Plain, new FailingStory(), new ExhaustedStory(), new SecondOutputStory(), new StoppedStory(), new RenewedStory(), new InterruptedStory(), new OperatorStory(),
        new RestoredStory(), new OverdueStory(),
    ];

    private readonly ConcurrentDictionary<string, int> _hits = new();
    private readonly ConcurrentDictionary<string, int> _crashes = new();
    private readonly ConcurrentQueue<string> _faults = new();
    private Dictionary<IStory, Outcome> _undisturbed = [];

    /// <summary>Tells every story once from its start to its end.</summary>
    public async Task TellUndisturbedAsync()
    {
        var told = new ConcurrentDictionary<IStory, Outcome>();
        await Parallel.ForEachAsync(Stories, Degree, async (story, _) => told[story] = Note(story, await World.TellAsync(story, [], expected: null)));
        _undisturbed = told.ToDictionary();
    }

    /// <summary>Where a point is died at: each in one story, taking the privacy modes in turn.</summary>
    public IEnumerable<(IStory Story, Death Death)> Once() =>
        from entry in Registry.Points.Select((point, i) => (Point: point, Turn: i / 2))
        let stories = StoriesOf(entry.Point)
        where stories.Count > 0
        select (stories[entry.Turn % stories.Count], new Death(entry.Point));

    /// <summary>Every point in every story, at the first, the second and the last time that it is come to.</summary>
    public IEnumerable<(IStory Story, Death Death)> Everywhere() =>
        from story in Stories
        from point in Registry.Points
        let hits = _undisturbed[story].Hits.GetValueOrDefault(point)
        from hit in new[] { 1, 2, hits }.Distinct()
        where hit >= 1 && hit <= hits
        select (story, new Death(point, hit));

    /// <summary>Dies all deaths.</summary>
    /// <param name="inOneTelling">Deaths of one telling, at most: each later in the story than the one before.</param>
    public async Task DieAsync(IEnumerable<(IStory Story, Death Death)> deaths, int inOneTelling)
    {
        var open = deaths.ToList();
        for (var attempt = 1; attempt <= Attempts && open.Count > 0; attempt++)
        {
            var left = new ConcurrentQueue<(IStory Story, Death Death)>();
            await Parallel.ForEachAsync(Tellings(open, attempt == 1 ? inOneTelling : 1), Degree, async (telling, _) =>
            {
                var outcome = Note(telling.Story, await World.TellAsync(telling.Story, telling.Deaths, _undisturbed[telling.Story].Remains));
                foreach (var death in telling.Deaths.Except(outcome.Died))
                {
                    left.Enqueue((telling.Story, death));
                }
            });
            open = [.. left.Select(entry => (Retold(entry.Story, entry.Death, attempt), entry.Death))];
        }

        foreach (var (story, death) in open)
        {
            _faults.Enqueue($"{story.Name} did not come to {death}.");
        }
    }

    /// <summary>Asserts that every point there is was come to and died at, that no other was, and that nothing was wrong after any death.</summary>
    public void AssertSurvived()
    {
        Write();
        var faults = _faults
            .Concat(Registry.Points.Where(point => !_hits.ContainsKey(point)).Select(point => $"{point} was never come to."))
            .Concat(Registry.Points.Where(point => !_crashes.ContainsKey(point)).Select(point => $"Nothing died at {point}."))
            .Concat(_hits.Keys.Except(Registry.Points).Except(Registry.Occasional).Select(point => $"{point} is not in the registry."));
        Assert.True(!faults.Any(), string.Join('\n', faults));
    }

    private static ParallelOptions Degree => new() { MaxDegreeOfParallelism = AtOnce };

    // A point that a story came to by chance is tried in the others that came to it, the mishaps first.
    private IStory Retold(IStory story, Death death, int attempt)
    {
        var reach = ReachOf(death.Point);
        return death.Hit == 1 ? reach[^(((attempt - 1) % reach.Count) + 1)] : story;
    }

    private List<IStory> ReachOf(string point) => [.. Stories.Where(story => _undisturbed[story].Hits.ContainsKey(point))];

    private List<IStory> StoriesOf(string point)
    {
        var reach = ReachOf(point);
        return reach.Intersect(Plain).Any() ? [.. reach.Intersect(Plain)] : reach;
    }

    /// <summary>Deaths of one story that lie far apart go into one telling. The mishaps, which wait for deadlines, begin first.</summary>
    private IEnumerable<(IStory Story, List<Death> Deaths)> Tellings(List<(IStory Story, Death Death)> deaths, int inOneTelling)
    {
        foreach (var story in deaths.GroupBy(death => death.Story, death => death.Death).OrderByDescending(story => Array.IndexOf(Stories, story.Key)))
        {
            var order = _undisturbed[story.Key].Order.Select((point, i) => (point, i)).ToDictionary(entry => entry.point, entry => entry.i);
            var sorted = story.OrderBy(death => order[death.Point]).ToList();
            var tellings = (sorted.Count + inOneTelling - 1) / inOneTelling;
            for (var first = 0; first < tellings; first++)
            {
                yield return (story.Key, [.. sorted.Where((_, i) => i % tellings == first)]);
            }
        }
    }

    private Outcome Note(IStory story, Outcome outcome)
    {
        foreach (var (point, count) in outcome.Hits)
        {
            _hits.AddOrUpdate(point, count, (_, before) => before + count);
        }

        foreach (var death in outcome.Died)
        {
            _crashes.AddOrUpdate(death.Point, 1, (_, before) => before + 1);
        }

        foreach (var fault in outcome.Faults)
        {
            _faults.Enqueue($"{story.Name}, dead at {(outcome.Died.Count == 0 ? "nothing" : string.Join(" and ", outcome.Died))}: {fault}");
        }

        return outcome;
    }

    private void Write()
    {
        output.WriteLine("| Place | Points | Never reached | Hits | Crashes |");
        output.WriteLine("|---|---|---|---|---|");
        foreach (var place in Registry.Points.GroupBy(point => point.Split(' ')[0]))
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {place.Key} | {place.Count()} | {place.Count(point => !_hits.ContainsKey(point))} | {place.Sum(point => _hits.GetValueOrDefault(point))} | {place.Sum(point => _crashes.GetValueOrDefault(point))} |"));
        }

        output.WriteLine($"{Registry.Points.Count} points, {_hits.Values.Sum()} hits, {_crashes.Values.Sum()} crashes, {_faults.Count} faults");
    }
}
