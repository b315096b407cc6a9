using System.Diagnostics;
using FlEvents.Explorer.Tests.Moves;
using FlEvents.Explorer.Tests.Services;
using FlEvents.Explorer.Tests.Worlds;

namespace FlEvents.Explorer.Tests;

/// <summary>What a search has found.</summary>
/// <param name="Violation">What does not hold, and the shortest way to it; null when everything does.</param>
/// <param name="IsWhole">Whether every world was visited; a bound did not cut the search.</param>
/// <param name="Ends">Worlds in which everything is done.</param>
internal sealed record Findings(string? Violation, bool IsWhole, int Worlds, long Moves, int Ends, TimeSpan Time)
{
    public override string ToString() => $"{Worlds} worlds, {Moves} moves between them, {Ends} ends, {Time.TotalSeconds:F1} s.";
}

/// <summary>Visits every world that can be reached, the nearest first, so that the way to the first violation is a shortest one.</summary>
internal sealed class Search(Scenario scenario)
{
    private const int LatestClock = 8;
    private readonly Transitions _transitions = new(scenario);
    private readonly WorldSet _worlds = new();
    private readonly List<(int Before, Move Move)> _origins = [];

    // Moves that are no faults, for the proof that they come to an end: those of world i are from _firstMove[i] on.
    private readonly List<int> _moves = [];
    private readonly List<int> _firstMove = [];
    private long _moveCount;
    private int _ends;

    /// <param name="mostWorlds">Bound of the search; a search that reaches it is not whole.</param>
    public Findings Run(int mostWorlds)
    {
        var started = Stopwatch.GetTimestamp();
        var invariants = new Invariants(_transitions);
        var moves = new List<Move>();
        var violation = Visit(_transitions.Begin(), -1, default, invariants);
        for (var i = 0; i < _worlds.Count && _worlds.Count < mostWorlds && violation is null; i++)
        {
            _firstMove.Add(_moves.Count);
            violation = Expand(i, moves, invariants);
        }

        var isWhole = violation is null && _worlds.Count < mostWorlds;
        violation ??= isWhole ? EndlessDefect() : null;
        return new Findings(violation, isWhole, _worlds.Count, _moveCount, _ends, Stopwatch.GetElapsedTime(started));
    }

    private string? Expand(int i, List<Move> moves, Invariants invariants)
    {
        var world = _worlds[i];
        _transitions.Find(world, moves);
        foreach (var move in moves)
        {
            if (Take(world, i, move, invariants) is { } violation)
            {
                return violation;
            }
        }

        if (_moves.Count > _firstMove[i])
        {
            return null;
        }

        if (invariants.Unfinished(world) is not { } unfinished)
        {
            _ends++;
            return null;
        }

        return world.Faults.Clock < LatestClock
            ? Take(world, i, new Move(MoveKind.Wait), invariants)
            : $"Nothing can happen any more, and {unfinished}{Way(i)}";
    }

    private string? Take(World world, int i, Move move, Invariants invariants)
    {
        try
        {
            return _transitions.Make(world, move) is { } next ? Visit(next, i, move, invariants) : null;
        }
        catch (InvariantException e)
        {
            return $"{e.Message}{Way(i)}\n  {MoveText.Of(_transitions, move)}";
        }
    }

    private string? Visit(World world, int before, Move move, Invariants invariants)
    {
        _moveCount++;
        var (id, isNew) = _worlds.Add(world);
        if (isNew)
        {
            _origins.Add((before, move));
            if (invariants.Defect(world) is { } defect)
            {
                return defect + Way(id);
            }
        }

        if (before >= 0 && !move.IsFault)
        {
            _moves.Add(id);
        }

        return null;
    }

    // Worlds are taken away once nothing that is no fault leads to them any more. Whatever is left goes round in a circle.
    private string? EndlessDefect()
    {
        _firstMove.Add(_moves.Count);
        var into = new int[_worlds.Count];
        foreach (var next in _moves)
        {
            into[next]++;
        }

        var free = new Stack<int>(Enumerable.Range(0, into.Length).Where(world => into[world] == 0));
        var taken = 0;
        while (free.TryPop(out var world))
        {
            taken++;
            for (var move = _firstMove[world]; move < _firstMove[world + 1]; move++)
            {
                if (--into[_moves[move]] == 0)
                {
                    free.Push(_moves[move]);
                }
            }
        }

        return taken == into.Length ? null : $"Without any further fault it may go on for ever, from a world on{Way(Array.FindIndex(into, count => count > 0))}";
    }

    private string Way(int world)
    {
        var steps = new Stack<string>();
        for (; _origins[world].Before >= 0; world = _origins[world].Before)
        {
            steps.Push($"\n  {MoveText.Of(_transitions, _origins[world].Move)}");
        }

        return $"\n{steps.Count} moves from the start of {scenario.Name}:{string.Concat(steps)}";
    }
}
