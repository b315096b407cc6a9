using System.Security.Cryptography;

namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Noise from the system's cryptographic generator. It holds no state; what is drawn is nowhere else.</summary>
public sealed class CryptographicNoise : INoiseSource
{
    public void Gaussian(Span<double> values, double standardDeviation) => GaussianNoise.Fill(values, standardDeviation, RandomNumberGenerator.Fill);

    public void Laplace(Span<double> values, double scale) => LaplaceNoise.Fill(values, scale, RandomNumberGenerator.Fill);

    public void DiscreteGaussian(Span<long> values, int log2Sigma) => DiscreteGaussianNoise.Fill(values, log2Sigma, RandomNumberGenerator.Fill);

    public int PoissonSample(int count, double rate, Span<int> chosen) => PoissonSampling.Draw(count, rate, chosen, RandomNumberGenerator.Fill);
}
