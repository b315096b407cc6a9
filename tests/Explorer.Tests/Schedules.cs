using System.Diagnostics;
using FlEvents.Explorer.Tests.Moves;
using FlEvents.Explorer.Tests.Services;
using FlEvents.Explorer.Tests.Worlds;
using FlEvents.Learning.Randomness;

namespace FlEvents.Explorer.Tests;

/// <summary>Random ways through a world that is too large to be searched; the same seed gives the same way.</summary>
internal sealed class Schedules(Scenario scenario)
{
    // A way is some hundred moves long.
    private const int FaultEvery = 15;
    private const int LatestClock = 100;

    // What is remembered of rows and bags grows with every way: it is forgotten before it fills the memory.
    private const int MostBags = 400_000;

    private Transitions _transitions = new(scenario);
    private Invariants _invariants = null!;
    private long _moveCount;

    /// <param name="seeds">A schedule for each.</param>
    public Findings Run(IEnumerable<int> seeds)
    {
        var started = Stopwatch.GetTimestamp();
        var ends = 0;
        foreach (var seed in seeds)
        {
            if (ends == 0 || _transitions.Mail.Bags.Count > MostBags)
            {
                _transitions = new Transitions(scenario);
                _invariants = new Invariants(_transitions);
            }

            if (Walk(seed) is { } violation)
            {
                return new Findings($"Schedule {seed}: {violation}", IsWhole: false, ends, _moveCount, ends, Stopwatch.GetElapsedTime(started));
            }

            ends++;
        }

        return new Findings(null, IsWhole: true, ends, _moveCount, ends, Stopwatch.GetElapsedTime(started));
    }

    private string? Walk(int seed)
    {
        var random = SeededRandom.Derive(seed, "schedule");
        var world = _transitions.Begin();
        var moves = new List<Move>();
        var way = new List<Move>();
        while (true)
        {
            _transitions.Find(world, moves);
            var wantsFault = random.NextInt(FaultEvery) == 0;
            if ((Take(world, moves, random, way, wantsFault) ?? (wantsFault ? Take(world, moves, random, way, wantsFault: false) : null)) is { } next)
            {
                world = next;
                if (_invariants.Defect(world) is { } defect)
                {
                    return defect + Text(way);
                }
            }
            else if (_invariants.Unfinished(world) is not { } unfinished)
            {
                return null;
            }
            else if (world.Faults.Clock == LatestClock)
            {
                return $"Nothing can happen any more, and {unfinished}{Text(way)}";
            }
            else
            {
                way.Add(new Move(MoveKind.Wait));
                world = _transitions.Make(world, way[^1])!.Value;
            }
        }
    }

    /// <returns>The world after one of the moves that change something; null when there is none.</returns>
    private World? Take(World world, List<Move> moves, SeededRandom random, List<Move> way, bool wantsFault)
    {
        var open = moves.Where(move => move.IsFault == wantsFault).ToArray();
        random.Shuffle(open.AsSpan());
        foreach (var move in open)
        {
            way.Add(move);
            if (Make(world, move, way) is { } next)
            {
                _moveCount++;
                return next;
            }

            way.RemoveAt(way.Count - 1);
        }

        return null;
    }

    private World? Make(World world, Move move, List<Move> way)
    {
        try
        {
            return _transitions.Make(world, move);
        }
        catch (InvariantException e)
        {
            throw new InvariantException(e.Message + Text(way));
        }
    }

    private string Text(List<Move> way) => string.Concat(way.Select(move => $"\n  {MoveText.Of(_transitions, move)}"));
}
