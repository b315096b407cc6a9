using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Testing;

namespace FlEvents.Observability.Tests;

/// <summary>An instrument of the product.</summary>
/// <param name="Source">Who has it: a service's name, or all that have a broker, or a database.</param>
internal sealed record KnownInstrument(string Source, string Name, string Kind, string Unit, string Description);

/// <summary>Every instrument that the services make when they start.</summary>
internal static class Instruments
{
    private static readonly Dictionary<string, string> Sources = new()
    {
        ["FlEvents.Orchestrator"] = "Orchestrator",
        ["FlEvents.Orchestrator.Runs"] = "Orchestrator",
        ["FlEvents.Aggregator"] = "Aggregator",
        ["FlEvents.Aggregator.Books"] = "Aggregator",
        ["FlEvents.PrivacyAccountant"] = "PrivacyAccountant",
        ["FlEvents.PrivacyAccountant.Budgets"] = "PrivacyAccountant",
        ["FlEvents.ClientWorker"] = "ClientWorker",
        ["FlEvents.Messaging"] = "Every service",
        ["FlEvents.Messaging.Received"] = "Every service",
        ["FlEvents.Broker"] = "Every service",
        ["FlEvents.Http"] = "Every service",
    };

    private static readonly Lazy<IReadOnlyList<KnownInstrument>> Known = new(() => ReadAsync().GetAwaiter().GetResult());

    public static IReadOnlyList<KnownInstrument> All => Known.Value;

    private static async Task<IReadOnlyList<KnownInstrument>> ReadAsync()
    {
        using var folder = new TemporaryFolder();
        using var late = new CancellationTokenSource(Product.Patience);
        var found = new ConcurrentDictionary<string, KnownInstrument>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Name.StartsWith("fl_", StringComparison.Ordinal))
                {
                    found[instrument.Name] = new(Sources[instrument.Meter.Name], instrument.Name, KindOf(instrument), instrument.Unit ?? "", instrument.Description ?? "");
                }
            },
        };
        listener.Start();
        await using var federation = await Federation.StartAsync(TinyRun.Read(), folder.Path, Transport.Memory, "http://127.0.0.1:0", late.Token);
        await foreach (var _ in federation.RunAsync(late.Token))
        {
            // To its end: what is counted as messages come is there only then.
        }

        return [.. found.Values.OrderBy(instrument => instrument.Source, StringComparer.Ordinal).ThenBy(instrument => instrument.Name, StringComparer.Ordinal)];
    }

    private static string KindOf(Instrument instrument) => instrument.GetType().Name switch
    {
        var name when name.StartsWith("Histogram", StringComparison.Ordinal) => "histogram",
        var name when name.Contains("Gauge", StringComparison.Ordinal) => "gauge",
        _ => "counter",
    };
}
