using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;

namespace FlEvents.Bench.Rounds;

/// <summary>Services that are up, in this process or in others.</summary>
public interface IDeployment : IAsyncDisposable
{
    /// <summary>Runs a run to its end.</summary>
    /// <param name="onRound">Called now and then with the number of the round in progress.</param>
    /// <returns>Its rounds.</returns>
    Task<IReadOnlyList<RoundView>> RunAsync(RunSpec run, Action<int> onRound, CancellationToken cancellationToken);
}
