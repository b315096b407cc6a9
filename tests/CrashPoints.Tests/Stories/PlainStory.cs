using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.CrashPoints.Tests.Stories;

/// <summary>A run of two clients and two rounds in a privacy mode.</summary>
internal sealed class PlainStory(string mode) : IStory
{
    public string Name => mode;

    public RunFile RunFile { get; } = PlainRun.Read(PlainRun.ChangesOfMode[mode]);

    public void Adjust(IServiceCollection services, Life life)
    {
    }

    public async Task<bool> TellAsync(Federation federation, Life life)
    {
        RunView? run = null;
        await foreach (var change in federation.RunAsync(life.Died))
        {
            run = change.Run;
        }

        Assert.Equal(RunState.Completed, run!.State);
        await life.HeardOfEndsAsync(runs: 1);
        return true;
    }

    public IEnumerable<string> Faults(Remains remains, Remains expected)
    {
        if (mode == "none" && !remains.Models.SequenceEqual(expected.Models))
        {
            yield return $"The models are {string.Join(", ", remains.Models)}; undisturbed they are {string.Join(", ", expected.Models)}.";
        }

        if (remains.Models.Count != PlainRun.Rounds)
        {
            yield return $"{remains.Models.Count} rounds have a model; expected {PlainRun.Rounds}.";
        }

        var clients = Enumerable.Range(0, PlainRun.Clients).Select(index => $"client-{index:000000}").ToList();
        var all = (from round in Enumerable.Range(1, PlainRun.Rounds) from client in clients select $"{round} {client}").ToList();
        if (!remains.Admitted.SequenceEqual(all))
        {
            yield return $"In the books are {string.Join(", ", remains.Admitted)}; expected {string.Join(", ", all)}.";
        }

        var charges = (from task in all from unit in new[] { "client", "example" } select $"{task} {unit} committed").ToList();
        if (!remains.Charges.SequenceEqual(charges))
        {
            yield return $"Charged are {string.Join(", ", remains.Charges)}; expected {string.Join(", ", charges)}.";
        }

        if (remains.Quarantined.Count > 0)
        {
            yield return $"In quarantine are {string.Join(", ", remains.Quarantined)}.";
        }
    }
}
