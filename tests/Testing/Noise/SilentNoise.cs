using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.Testing.Noise;

/// <summary>No noise, and every example in every batch: to see what a mechanism would have hidden. It exists in test assemblies alone.</summary>
public sealed class SilentNoise : INoiseSource
{
    public void Gaussian(Span<double> values, double standardDeviation) => values.Clear();

    public void Laplace(Span<double> values, double scale) => values.Clear();

    public void DiscreteGaussian(Span<long> values, int log2Sigma) => values.Clear();

    public int PoissonSample(int count, double rate, Span<int> chosen)
    {
        for (var i = 0; i < count; i++)
        {
            chosen[i] = i;
        }

        return count;
    }
}
