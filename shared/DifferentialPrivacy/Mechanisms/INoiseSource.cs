namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Where privacy noise comes from. Thread-safe; nothing that was drawn can be had again.</summary>
/// <remarks>The product has <see cref="CryptographicNoise"/> alone. Seeded and silent sources are types of the tests.</remarks>
public interface INoiseSource
{
    /// <summary>Overwrites each value with a draw of N(0, σ²).</summary>
    /// <param name="values">Overwritten.</param>
    /// <param name="standardDeviation">σ, finite and above 0.</param>
    void Gaussian(Span<double> values, double standardDeviation);

    /// <summary>Overwrites each value with a draw of the Laplace distribution, density e^(−|x|/b)/2b.</summary>
    /// <param name="values">Overwritten.</param>
    /// <param name="scale">b, finite and above 0.</param>
    void Laplace(Span<double> values, double scale);

    /// <summary>Overwrites each value with a draw x of P(x) ∝ e^(−x²/2σ²) on the integers, σ = 2ᵏ; |x| is below 2⁶².</summary>
    /// <param name="values">Overwritten.</param>
    /// <param name="log2Sigma">k, 0 to 30.</param>
    void DiscreteGaussian(Span<long> values, int log2Sigma);

    /// <summary>Chooses each of 0 … <paramref name="count"/> − 1 independently with one probability.</summary>
    /// <param name="count">At least 0.</param>
    /// <param name="rate">The probability q, in (0, 1].</param>
    /// <param name="chosen">Receives those chosen, in ascending order; at least <paramref name="count"/> long.</param>
    /// <returns>How many were chosen.</returns>
    int PoissonSample(int count, double rate, Span<int> chosen);
}
