using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Bench.Rounds;

/// <summary>All services in this process on the in-memory bus, as <c>flevents run</c> has them: durability <c>process</c>.</summary>
public sealed class OneProcess : IDeployment
{
    private readonly Federation _federation;

    private OneProcess(Federation federation) => _federation = federation;

    public static async Task<OneProcess> StartAsync(RunFile file, string stateFolder, CancellationToken cancellationToken) =>
        new(await Federation.StartAsync(file, stateFolder, Transport.Memory, "http://127.0.0.1:0", cancellationToken));

    public async Task<IReadOnlyList<RoundView>> RunAsync(RunSpec run, Action<int> onRound, CancellationToken cancellationToken)
    {
        RunView? last = null;
        await foreach (var change in _federation.RunAsync(cancellationToken))
        {
            last = change.Run;
            onRound(last.Round);
        }

        return _federation.Results(last!.RunId).Rounds;
    }

    public ValueTask DisposeAsync() => _federation.DisposeAsync();
}
