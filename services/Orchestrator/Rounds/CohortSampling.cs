using FlEvents.Contracts;
using FlEvents.Learning.Randomness;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>A client that may be drawn.</summary>
/// <param name="Address">Exchange of the queue that serves it.</param>
/// <param name="Data">Its part of the run's data set.</param>
/// <param name="KeySha256">Name of the key that it signs its updates with; null where it has none.</param>
public record EligibleClient(string ClientId, string Address, ClientDataSet Data, string? KeySha256 = null);

/// <summary>Draws the cohort of a round.</summary>
public static class CohortSampling
{
    /// <summary>
    /// Draws ⌈k (1 + over-selection)⌉ of the n eligible clients, uniformly without replacement, with k the run's count or ⌈fraction n⌉, at least the
    /// run's minimum and at most n. At most one client of a ledger is drawn.
    /// </summary>
    /// <param name="eligible">In any order: the draw depends on their ids alone.</param>
    /// <returns>The cohort in order of client id, and k, the cohort before over-selection.</returns>
    public static (IReadOnlyList<EligibleClient> Cohort, int Target) Draw(long seed, int round, IEnumerable<EligibleClient> eligible, SelectionSpec selection)
    {
        var candidates = eligible
            .OrderBy(client => client.ClientId, StringComparer.Ordinal)
            .DistinctBy(client => client.Data.Ledger)
            .ToArray();
        var target = TargetSize(candidates.Length, selection);
        var size = (int)Math.Min(candidates.Length, Math.Ceiling(target * (1 + selection.OverSelection)));
        SeededRandom.Derive(seed, "cohort", round).Shuffle(candidates.AsSpan());
        return (candidates.Take(size).OrderBy(client => client.ClientId, StringComparer.Ordinal).ToList(), target);
    }

    private static int TargetSize(int eligible, SelectionSpec selection)
    {
        var wanted = selection.Count ?? (int)Math.Ceiling((selection.Fraction ?? 1) * eligible);
        return Math.Min(eligible, Math.Max(wanted, selection.MinimumClients));
    }
}
