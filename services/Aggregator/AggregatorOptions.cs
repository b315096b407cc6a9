using System.ComponentModel.DataAnnotations;
using FlEvents.Learning.Data;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator;

/// <summary>Section <c>Aggregator</c>.</summary>
public sealed class AggregatorOptions
{
    public const string Section = "Aggregator";

    /// <summary>Folder of the service's database, models and updates; one process at a time.</summary>
    [Required]
    public string DataFolder { get; set; } = "data/aggregator";

    /// <summary>What the state survives.</summary>
    public Durability Durability { get; set; } = Durability.Power;

    /// <summary>Held-out data sets by name, for the evaluation of global models.</summary>
    public Dictionary<string, DataSource> DataSets { get; set; } = [];

    /// <summary>Threads that combine updates; 0 for as many as there are processors.</summary>
    [Range(0, 1024)]
    public int Threads { get; set; }

    /// <summary>Largest model or update, in bytes.</summary>
    [Range(1024L, 1L << 40)]
    public long LargestBlobBytes { get; set; } = 1L << 32;

    /// <summary>How long an upload that no round refers to is kept, in hours: longer than the longest lease.</summary>
    [Range(1, 10000)]
    public int UnclaimedUploadHours { get; set; } = 25;
}
