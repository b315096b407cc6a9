using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>
/// The Aggregator's folders: models that may be read, models that wait for the ledger, and updates, which nobody else mounts.
/// </summary>
public sealed class BlobStores
{
    public BlobStores(AggregatorOptions options)
    {
        var synced = options.Durability == Durability.Power;
        Models = new BlobFolder(Path.Combine(options.DataFolder, "models"), synced) { Name = "aggregator.models" };
        Unreleased = new BlobFolder(Path.Combine(options.DataFolder, "unreleased"), synced) { Name = "aggregator.unreleased" };
        Updates = new BlobFolder(Path.Combine(options.DataFolder, "updates"), synced) { Name = "aggregator.updates" };
        Models.DeleteStaged();
        Unreleased.DeleteStaged();
        Updates.DeleteStaged();
    }

    /// <summary>Global models that passed the publish gate.</summary>
    public BlobFolder Models { get; }

    /// <summary>Models that were made and wait for the ledger's receipt.</summary>
    public BlobFolder Unreleased { get; }

    /// <summary>Clients' updates.</summary>
    public BlobFolder Updates { get; }
}
