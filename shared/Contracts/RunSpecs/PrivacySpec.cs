using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>What a run protects, and from whom (docs/privacy.md). The sections that go with the mode are given, and no other.</summary>
public record PrivacySpec
{
    [Description("Privacy mode: none, example, local, central, example+central or local+central.")]
    public PrivacyMode Mode { get; init; } = PrivacyMode.None;

    [Description("DP-SGD inside each client, in the modes with example.")]
    public ExamplePrivacySpec? Example { get; init; }

    [Description("Noise a client adds to its whole update, in the modes with local.")]
    public LocalPrivacySpec? Local { get; init; }

    [Description("Noise the Aggregator adds to the sum of the updates, in the modes with central.")]
    public CentralPrivacySpec? Central { get; init; }

    /// <summary>Whether anything is noised; then nothing else computed from clients' data leaves them.</summary>
    [JsonIgnore]
    public bool IsPrivate => Mode != PrivacyMode.None;

    [JsonIgnore]
    public bool HasExample => Mode is PrivacyMode.Example or PrivacyMode.ExampleCentral;

    [JsonIgnore]
    public bool HasLocal => Mode is PrivacyMode.Local or PrivacyMode.LocalCentral;

    [JsonIgnore]
    public bool HasCentral => Mode is PrivacyMode.Central or PrivacyMode.ExampleCentral or PrivacyMode.LocalCentral;
}

/// <summary>
/// DP-SGD (Abadi et al. 2016, arXiv:1607.00133): each example's gradient is clipped to C, their sum noised with σ = zC. An example is a row, or all rows with
/// one value of <see cref="DataSpec.PrivacyUnitColumn"/>.
/// </summary>
public record ExamplePrivacySpec
{
    [Description("Largest ℓ2 norm C of one example's gradient."), Range(1e-6, 1e6)]
    public required double ClipNorm { get; init; }

    [Description("Noise multiplier z = σ/C of the first round."), Range(0.01, 10000.0)]
    public required double NoiseMultiplier { get; init; }

    [Description("Factor from one round's noise multiplier to the next's; 1 for the same noise in all."), Range(0.5, 1.0)]
    public double NoiseDecay { get; init; } = 1;

    [Description("Other noise multipliers for clients with many examples, by the number declared; clients with fewer than the first have noiseMultiplier.")]
    public IReadOnlyList<ClientNoiseSpec>? NoiseByExamples { get; init; }
}

/// <summary>Each client clips its update to C and adds noise with σ = zC before it leaves.</summary>
public record LocalPrivacySpec
{
    [Description("Largest ℓ2 norm C of an update."), Range(1e-6, 1e6)]
    public required double ClipNorm { get; init; }

    [Description("Noise multiplier z = σ/C of the first round. Any two data sets are told apart by at most 2C, so the accountant is given z/2."), Range(0.01, 10000.0)]
    public required double NoiseMultiplier { get; init; }

    [Description("Factor from one round's noise multiplier to the next's; 1 for the same noise in all."), Range(0.5, 1.0)]
    public double NoiseDecay { get; init; } = 1;

    [Description("Other noise multipliers for clients with many examples, by the number declared; clients with fewer than the first have noiseMultiplier.")]
    public IReadOnlyList<ClientNoiseSpec>? NoiseByExamples { get; init; }
}

/// <summary>The noise of clients with many examples: a larger data set is charged a larger ε, and disturbs the model less.</summary>
public record ClientNoiseSpec
{
    [Description("Fewest declared examples it is for."), Range(2, int.MaxValue)]
    public required int Examples { get; init; }

    [Description("Noise multiplier z = σ/C of the first round."), Range(0.01, 10000.0)]
    public required double NoiseMultiplier { get; init; }
}

/// <summary>Updates are clipped to C, summed, noised once with σ = zC and divided by the constant cohort, <c>selection.count</c>.</summary>
public record CentralPrivacySpec
{
    [Description("Largest ℓ2 norm C of an update; that of local, where both are given; that of the first round, where it adapts."), Range(1e-6, 1e6)]
    public required double ClipNorm { get; init; }

    [Description("Noise multiplier z = σ/C of the first round."), Range(0.01, 10000.0)]
    public required double NoiseMultiplier { get; init; }

    [Description("Factor from one round's noise multiplier to the next's; 1 for the same noise in all."), Range(0.5, 1.0)]
    public double NoiseDecay { get; init; } = 1;

    [Description("Lets C follow a quantile of the updates' norms; without it C stays.")]
    public AdaptiveClippingSpec? Adaptive { get; init; }

    [Description("Most rounds of the run a client is charged for; without it, as many as it is drawn for."), Range(1, 1000000)]
    public int? RoundsPerClient { get; init; }
}

/// <summary>A clipping norm that follows a quantile of the updates' norms (Andrew et al. 2021, arXiv:1905.03871), inside the same charge.</summary>
public record AdaptiveClippingSpec
{
    [Description("Share of updates that is to stay unclipped."), Range(0.01, 0.99)]
    public double Quantile { get; init; } = 0.5;

    [Description("Largest change of ln C in a round."), Range(0.001, 2.0)]
    public double LearningRate { get; init; } = 0.2;

    [Description("C is never below this."), Range(1e-6, 1e6)]
    public required double SmallestNorm { get; init; }

    [Description("C is never above this; clients clip to it."), Range(1e-6, 1e6)]
    public required double LargestNorm { get; init; }

    [Description("Noise on the number of unclipped updates, more than half the noise multiplier; without it the larger of count/20 and 2z."), Range(0.005, 1000000.0)]
    public double? CountNoise { get; init; }
}

[JsonConverter(typeof(CamelCaseEnumConverter<PrivacyMode>))]
public enum PrivacyMode
{
    /// <summary>No guarantee: every task is charged as unbounded, in both units.</summary>
    None,

    /// <summary>An example is hidden from everyone, the Aggregator included.</summary>
    Example,

    /// <summary>A client's data is hidden from everyone, the Aggregator included.</summary>
    Local,

    /// <summary>A client's data is hidden from whoever sees models; the Aggregator is trusted.</summary>
    Central,

    [JsonStringEnumMemberName("example+central")]
    ExampleCentral,

    [JsonStringEnumMemberName("local+central")]
    LocalCentral,
}
