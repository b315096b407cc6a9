using System.Text.Json.Serialization;
using FlEvents.Contracts;

namespace FlEvents.Standalone.Privacy;

/// <summary>An audit of a run's mechanisms: the output of <c>flevents audit --json</c>.</summary>
public record AuditReport
{
    public required string Run { get; init; }
    public required PrivacyMode Mode { get; init; }

    /// <summary>With which a sound run's mechanisms, all together, pass.</summary>
    public required double Confidence { get; init; }

    /// <summary>One for each mechanism that the run's mode is charged for.</summary>
    public required IReadOnlyList<AuditResult> Mechanisms { get; init; }

    public bool IsBroken => Mechanisms.Any(mechanism => mechanism.Verdict == AuditVerdict.Broken);
}

/// <summary>What canaries showed of one mechanism, and what the ledger charges for it.</summary>
public record AuditResult
{
    public required string Mechanism { get; init; }
    public required PrivacyUnit Unit { get; init; }

    /// <summary>Noised releases that one task or round is charged for: the steps of DP-SGD, 1 otherwise.</summary>
    public required long Releases { get; init; }

    public required int Canaries { get; init; }

    /// <summary>Canaries that were guessed in or out; nothing was said of the others.</summary>
    public required int Guesses { get; init; }

    public required int Correct { get; init; }

    /// <summary>δ that all ε here are for, the ledger's or less (docs/audit.md).</summary>
    public required double Delta { get; init; }

    /// <summary>ε that the mechanism has at the least, with the audit's confidence.</summary>
    public required double EpsilonLowerBound { get; init; }

    /// <summary>The largest lower bound that so many canaries could have given.</summary>
    public required double EpsilonCeiling { get; init; }

    /// <summary>The lower bound that the same canaries give where the noise is a quarter of what is charged.</summary>
    public required double ControlEpsilon { get; init; }

    /// <summary>ε that the ledger's filter counts for the same releases.</summary>
    public required double FilterEpsilon { get; init; }

    /// <summary>ε of the same releases by their privacy loss distribution, certified from above; null where it gives no bound.</summary>
    public required double? PldEpsilon { get; init; }

    /// <summary>δ of the budget, or 10⁻⁵ where none is set.</summary>
    public required double StatedDelta { get; init; }

    /// <summary>The smaller of the filter's and the curve's ε at <see cref="StatedDelta"/>: what reports say.</summary>
    public required double StatedEpsilon { get; init; }

    public required AuditVerdict Verdict { get; init; }

    /// <summary>What the lower bound is compared with: the smaller of the two bounds.</summary>
    [JsonIgnore]
    public double EpsilonUpperBound => Math.Min(FilterEpsilon, PldEpsilon ?? double.PositiveInfinity);
}

[JsonConverter(typeof(CamelCaseEnumConverter<AuditVerdict>))]
public enum AuditVerdict
{
    /// <summary>The canaries do not contradict the ledger.</summary>
    Consistent,

    /// <summary>They do not contradict it, but neither do they where the noise is a quarter: so many canaries say nothing.</summary>
    Blind,

    /// <summary>More leaks than the ledger charges.</summary>
    Broken,
}
