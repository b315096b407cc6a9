namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>What a mechanism did to one privacy unit's data: all that an accountant needs, and nothing about the data.</summary>
/// <remarks>
/// A noise multiplier z is σ/Δ, the noise's standard deviation over the sensitivity under the adjacency in use. Every constructor refuses NaN, infinities and values out of range, so an event that exists can be accounted.
/// <para>The one text form of an event is <see cref="PrivacyEventText"/>.</para>
/// </remarks>
public abstract record PrivacyEvent
{
    private protected PrivacyEvent()
    {
    }
}

/// <summary>One release with Gaussian noise.</summary>
/// <param name="NoiseMultiplier">z, finite and above 0.</param>
public sealed record GaussianEvent(double NoiseMultiplier) : PrivacyEvent
{
    public double NoiseMultiplier { get; } = Require.Positive(NoiseMultiplier);
}

/// <summary>Steps of Gaussian noise, each on a Poisson sample; adjacency zero-out, or add or remove one.</summary>
/// <param name="SamplingRate">q in [0, 1].</param>
/// <param name="NoiseMultiplier">z, finite and above 0.</param>
/// <param name="Steps">At least 1.</param>
public sealed record SubsampledGaussianEvent(double SamplingRate, double NoiseMultiplier, long Steps = 1) : PrivacyEvent
{
    public double SamplingRate { get; } = Require.Probability(SamplingRate);
    public double NoiseMultiplier { get; } = Require.Positive(NoiseMultiplier);
    public long Steps { get; } = Require.AtLeastOne(Steps);
}

/// <summary>As <see cref="SubsampledGaussianEvent"/>, but a sample above a size is cut to that size, uniformly (arXiv:2508.15089).</summary>
/// <param name="DatasetSize">Records n, the one in question among them.</param>
/// <param name="SamplingRate">q in [0, 1].</param>
/// <param name="LargestBatch">B, at least 1.</param>
/// <param name="NoiseMultiplier">z, finite and above 0.</param>
/// <param name="Steps">At least 1.</param>
public sealed record TruncatedSubsampledGaussianEvent(long DatasetSize, double SamplingRate, long LargestBatch, double NoiseMultiplier, long Steps = 1)
    : PrivacyEvent
{
    public long DatasetSize { get; } = Require.AtLeastOne(DatasetSize);
    public double SamplingRate { get; } = Require.Probability(SamplingRate);
    public long LargestBatch { get; } = Require.AtLeastOne(LargestBatch);
    public double NoiseMultiplier { get; } = Require.Positive(NoiseMultiplier);
    public long Steps { get; } = Require.AtLeastOne(Steps);
}

/// <summary>Steps of Gaussian noise, each on a sample of fixed size without replacement; adjacency replace-one.</summary>
/// <param name="DatasetSize">n, at least 1.</param>
/// <param name="SampleSize">From 0 to n.</param>
/// <param name="NoiseMultiplier">z over the sensitivity of replacing one record (2C for records of norm C), finite and above 0.</param>
/// <param name="Steps">At least 1.</param>
public sealed record FixedSizeGaussianEvent(long DatasetSize, long SampleSize, double NoiseMultiplier, long Steps = 1) : PrivacyEvent
{
    public long DatasetSize { get; } = Require.AtLeastOne(DatasetSize);
    public long SampleSize { get; } = Require.Between(SampleSize, 0, DatasetSize);
    public double NoiseMultiplier { get; } = Require.Positive(NoiseMultiplier);
    public long Steps { get; } = Require.AtLeastOne(Steps);
}

/// <summary>One release with Laplace noise.</summary>
/// <param name="NoiseMultiplier">b/Δ₁, the scale over the sensitivity in the 1-norm, finite and above 0.</param>
public sealed record LaplaceEvent(double NoiseMultiplier) : PrivacyEvent
{
    public double NoiseMultiplier { get; } = Require.Positive(NoiseMultiplier);
}

/// <summary>One integer released with noise P(x) ∝ e^(−a|x|).</summary>
/// <param name="Parameter">a, finite and above 0.</param>
/// <param name="Sensitivity">At least 1.</param>
public sealed record DiscreteLaplaceEvent(double Parameter, long Sensitivity = 1) : PrivacyEvent
{
    public double Parameter { get; } = Require.Positive(Parameter);
    public long Sensitivity { get; } = Require.Between(Sensitivity, 1, 1 << 20);
}

/// <summary>Integers released with noise P(x) ∝ e^(−x²/2σ²) on each.</summary>
/// <param name="Sigma">σ in units of the grid, finite and above 0.</param>
/// <param name="Sensitivity">Δ₂ in units of the grid, finite and above 0.</param>
/// <param name="Dimension">How many integers, at least 1.</param>
public sealed record DiscreteGaussianEvent(double Sigma, double Sensitivity = 1, long Dimension = 1) : PrivacyEvent
{
    public double Sigma { get; } = Require.Positive(Sigma);
    public double Sensitivity { get; } = Require.Positive(Sensitivity);
    public long Dimension { get; } = Require.AtLeastOne(Dimension);
}

/// <summary>Prefix sums by binary trees of Gaussian nodes (DP-FTRL), where a record enters each tree at one step.</summary>
/// <param name="NoiseMultiplier">z of a node, finite and above 0.</param>
/// <param name="StepsPerTree">Leaves of a tree, at least 1.</param>
/// <param name="Trees">Trees a record enters, at least 1.</param>
public sealed record TreeGaussianEvent(double NoiseMultiplier, long StepsPerTree, long Trees = 1) : PrivacyEvent
{
    public double NoiseMultiplier { get; } = Require.Positive(NoiseMultiplier);
    public long StepsPerTree { get; } = Require.AtLeastOne(StepsPerTree);
    public long Trees { get; } = Require.AtLeastOne(Trees);

    /// <summary>Nodes a record can enter: ⌈log₂(n + 1)⌉, the number of binary digits of n.</summary>
    public int Levels => (int)long.Log2(StepsPerTree) + 1;
}

/// <summary>Something of which only (ε, δ)-differential privacy is known.</summary>
/// <param name="Epsilon">At least 0, finite.</param>
/// <param name="Delta">In [0, 1).</param>
public sealed record EpsilonDeltaEvent(double Epsilon, double Delta) : PrivacyEvent
{
    public double Epsilon { get; } = Require.NotNegative(Epsilon);
    public double Delta { get; } = Require.BelowOne(Delta);
}

/// <summary>Something of which only zCDP is known: Rényi divergence of at most ξ + ρα at every order α.</summary>
/// <param name="Rho">ρ, at least 0, finite.</param>
/// <param name="Xi">ξ, at least 0, finite.</param>
public sealed record ZcdpEvent(double Rho, double Xi = 0) : PrivacyEvent
{
    public double Rho { get; } = Require.NotNegative(Rho);
    public double Xi { get; } = Require.NotNegative(Xi);
}

/// <summary>No guarantee at all.</summary>
public sealed record UnboundedEvent : PrivacyEvent;

/// <summary>The same event several times.</summary>
/// <param name="Event">What happened each time.</param>
/// <param name="Count">At least 1.</param>
public sealed record RepeatedEvent(PrivacyEvent Event, long Count) : PrivacyEvent
{
    public PrivacyEvent Event { get; } = Event ?? throw new ArgumentNullException(nameof(Event));
    public long Count { get; } = Require.AtLeastOne(Count);
}

/// <summary>Events one after the other on the same data; none is no loss at all.</summary>
public sealed record EventSequence : PrivacyEvent
{
    public EventSequence(params IEnumerable<PrivacyEvent> events) => Events = [.. events];

    public System.Collections.Immutable.ImmutableArray<PrivacyEvent> Events { get; }

    public bool Equals(EventSequence? other) => other is not null && Events.AsSpan().SequenceEqual(other.Events.AsSpan());

    public override int GetHashCode() => Events.Aggregate(Events.Length, HashCode.Combine);
}
