using FlEvents.Orchestrator;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace FlEvents.Console.Tests;

/// <summary>An Orchestrator and a PrivacyAccountant as services of their own, as in a deployment; each with a bus of its own, and no Aggregator.</summary>
internal static class SplitServices
{
    /// <param name="service">Orchestrator or PrivacyAccountant.</param>
    /// <param name="ledger">Where the Orchestrator finds the ledger.</param>
    /// <param name="keys">Their holders have the names 0, 1, ….</param>
    public static WebApplication Compose(string service, TemporaryFolder folder, WebApplication? ledger, params (string Key, string Scopes)[] keys)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(
        [
            new("Bus:Transport", "Memory"),
            new($"{service}:DataFolder", folder.File(service)),
            new("Orchestrator:LedgerUrl", ledger?.Urls.First()),
            new("Orchestrator:AggregatorUrl", $"http://127.0.0.1:{FreePort.Next()}"),
            .. keys.Index().SelectMany(key => new KeyValuePair<string, string?>[]
            {
                new($"Security:ApiKeys:{key.Index}:Sha256", ApiKey.Hash(key.Item.Key)),
                new($"Security:ApiKeys:{key.Index}:Scopes", key.Item.Scopes),
            }),
        ]);
        builder.AddServiceDefaults();
        if (service == "Orchestrator")
        {
            builder.AddOrchestrator();
            builder.AddBus(bus => bus.AddOrchestratorConsumers());
        }
        else
        {
            builder.AddPrivacyAccountant();
            builder.AddBus(bus => bus.AddPrivacyAccountantConsumers());
        }

        var app = builder.Build();
        app.MapServiceDefaults();
        if (service == "Orchestrator")
        {
            app.MapOrchestrator();
        }
        else
        {
            app.MapPrivacyAccountant();
        }

        return app;
    }
}
