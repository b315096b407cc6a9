using System.ComponentModel.DataAnnotations;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator;

/// <summary>Section <c>Orchestrator</c>.</summary>
public sealed class OrchestratorOptions
{
    public const string Section = "Orchestrator";

    /// <summary>Folder of the service's database; one process at a time.</summary>
    [Required]
    public string DataFolder { get; set; } = "data/orchestrator";

    /// <summary>What the state survives.</summary>
    public Durability Durability { get; set; } = Durability.Power;

    /// <summary>Address of the Aggregator's HTTP endpoint, where models are read.</summary>
    [Required]
    public Uri AggregatorUrl { get; set; } = new("http://127.0.0.1:5081/");

    /// <summary>Key with scope <c>blobs:client</c> that the Aggregator asks for; null where it asks for none.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Address at which clients that come over HTTPS reach the Aggregator; null where it is the same as this service's.</summary>
    public Uri? BlobsUrl { get; set; }

    /// <summary>How long after its worker's last heartbeat a client still counts as there, in seconds.</summary>
    [Range(1, 86400)]
    public int ClientTimeoutSeconds { get; set; } = 60;

    /// <summary>Tasks a pool or silo is sent beyond twice its slots, so that its workers never wait for the next one.</summary>
    [Range(0, 10000)]
    public int DispatchAhead { get; set; } = 8;

    /// <summary>How often deadlines and leases are looked at, in milliseconds.</summary>
    [Range(10, 10000)]
    public int TimerMilliseconds { get; set; } = 250;

    /// <summary>Runs that have metrics of their own: those that are not over first, then the newest.</summary>
    [Range(0, 1000)]
    public int MetricRuns { get; set; } = 20;
}
