using FlEvents.Orchestrator.Api;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.EndToEnd.Tests;

/// <summary>What <c>flevents run</c> hosts, in this process: faster than a program where its files and exit code are not the point.</summary>
internal static class InProcess
{
    /// <summary>Runs to the end and returns the model's hash.</summary>
    public static async Task<string> ModelSha256Async(RunFile file, Action<IServiceCollection>? adjust = null)
    {
        using var folder = new TemporaryFolder();
        using var late = new CancellationTokenSource(Product.Patience);
        await using var federation = await Federation.StartAsync(file, folder.Path, Transport.Memory, "http://127.0.0.1:0", late.Token, adjust);
        RunView? run = null;
        await foreach (var change in federation.RunAsync(late.Token))
        {
            run = change.Run;
        }

        Assert.Equal(RunState.Completed, run!.State);
        Assert.Equal(run.Model!.Sha256, Product.Sha256(await federation.ModelAsync(run, late.Token)));
        return run.Model.Sha256;
    }
}
