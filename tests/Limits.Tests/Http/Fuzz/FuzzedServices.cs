using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Http;

/// <summary>The four services on a copy of a prepared state; the Orchestrator asks the others as in a deployment.</summary>
internal sealed class FuzzedServices : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<FuzzedHost> _all = [];

    public IReadOnlyList<FuzzedHost> All => _all;

    public FuzzedHost Orchestrator => _all[^1];

    public static async Task<FuzzedServices> StartAsync(PreparedState state)
    {
        var services = new FuzzedServices();
        try
        {
            await services.StartAsync("Aggregator", state, "aggregator");
            await services.StartAsync("PrivacyAccountant", state, "privacy-accountant");
            await services.StartAsync("ClientWorker", state, "client-worker");
            await services.StartAsync(
                "Orchestrator",
                state,
                "orchestrator",
                ("Orchestrator:AggregatorUrl", $"{services._all[0].Url}"),
                ("Orchestrator:LedgerUrl", $"{services._all[1].Url}"),
                ("Orchestrator:ApiKey", FuzzedHost.Key),

                // So that the clients of the prepared state are still there.
                ("Orchestrator:ClientTimeoutSeconds", "86400"));
            return services;
        }
        catch
        {
            await services.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _all)
        {
            await service.DisposeAsync();
        }

        _folder.Dispose();
    }

    private async Task StartAsync(string name, PreparedState state, string folder, params (string Key, string Value)[] settings)
    {
        Copy(Path.Combine(state.Folder, folder), _folder.File(name));
        _all.Add(await FuzzedHost.StartAsync(name, _folder.Path, settings));
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }

        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }
}
