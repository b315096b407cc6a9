using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Http;

/// <summary>The four services on a copy of a prepared state, and two more behind the Orchestrator, which it asks as in a deployment: what they do is its requests' doing alone.</summary>
internal sealed class FuzzedServices : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _behind = new();
    private readonly List<FuzzedHost> _all = [];
    private readonly List<FuzzedHost> _asked = [];

    public IReadOnlyList<FuzzedHost> All => _all;

    public FuzzedHost Orchestrator => _all[^1];

    public static async Task<FuzzedServices> StartAsync(PreparedState state)
    {
        var services = new FuzzedServices();
        try
        {
            services._all.Add(await StartAsync(services._folder, "Aggregator", state, "aggregator"));
            services._all.Add(await StartAsync(services._folder, "PrivacyAccountant", state, "privacy-accountant"));
            services._all.Add(await StartAsync(services._folder, "ClientWorker", state, "client-worker"));
            var aggregator = await StartAsync(services._behind, "Aggregator", state, "aggregator");
            services._asked.Add(aggregator);
            var accountant = await StartAsync(services._behind, "PrivacyAccountant", state, "privacy-accountant");
            services._asked.Add(accountant);
            var orchestrator = await StartAsync(
                services._folder,
                "Orchestrator",
                state,
                "orchestrator",
                ("Orchestrator:AggregatorUrl", $"{aggregator.Url}"),
                ("Orchestrator:LedgerUrl", $"{accountant.Url}"),
                ("Orchestrator:ApiKey", FuzzedHost.Key),

                // So that the clients of the prepared state are still there.
                ("Orchestrator:ClientTimeoutSeconds", "86400"));
            orchestrator.Behind = services._asked;
            services._all.Add(orchestrator);
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
        foreach (var service in _all.Concat(_asked))
        {
            await service.DisposeAsync();
        }

        _folder.Dispose();
        _behind.Dispose();
    }

    private static async Task<FuzzedHost> StartAsync(TemporaryFolder root, string name, PreparedState state, string folder, params (string Key, string Value)[] settings)
    {
        Copy(Path.Combine(state.Folder, folder), root.File(name));
        return await FuzzedHost.StartAsync(name, root.Path, settings);
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
