using System.ComponentModel;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>What a run protects, and from whom.</summary>
public record PrivacySpec
{
    [Description("Privacy mode.")]
    public PrivacyMode Mode { get; init; } = PrivacyMode.None;
}

[JsonConverter(typeof(CamelCaseEnumConverter<PrivacyMode>))]
public enum PrivacyMode
{
    /// <summary>No guarantee: every task is charged as unbounded, in both units.</summary>
    None,
}
