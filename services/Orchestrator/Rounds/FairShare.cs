namespace FlEvents.Orchestrator.Rounds;

/// <summary>A run's demand on one queue of workers.</summary>
/// <param name="Waiting">Tasks that could go out now.</param>
/// <param name="InFlight">Tasks that are out.</param>
public record RunDemand(Guid RunId, int Waiting, int InFlight);

/// <summary>Shares the free places of a queue among runs: each place to the run with the fewest tasks out.</summary>
public static class FairShare
{
    /// <returns>Tasks to send by run; only runs that get some.</returns>
    public static IReadOnlyDictionary<Guid, int> Pick(int capacity, IReadOnlyList<RunDemand> demands)
    {
        var given = new Dictionary<Guid, int>();
        var free = capacity - demands.Sum(demand => demand.InFlight);
        while (free-- > 0)
        {
            var next = demands
                .Where(demand => demand.Waiting > given.GetValueOrDefault(demand.RunId))
                .OrderBy(demand => demand.InFlight + given.GetValueOrDefault(demand.RunId))
                .ThenBy(demand => demand.RunId)
                .FirstOrDefault();
            if (next is null)
            {
                break;
            }

            given[next.RunId] = given.GetValueOrDefault(next.RunId) + 1;
        }

        return given;
    }
}
