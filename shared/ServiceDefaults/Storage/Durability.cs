using System.Text.Json.Serialization;
using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>What a service's state survives.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<Durability>))]
public enum Durability
{
    /// <summary>A power cut: databases that carry promises are synced at every commit, blobs before they are named.</summary>
    Power,

    /// <summary>The death of any process, but not a power cut; for one-process runs.</summary>
    Process,
}
