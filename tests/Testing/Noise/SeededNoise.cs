using System.Buffers.Binary;
using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.Testing.Noise;

/// <summary>Noise that can be drawn again. It exists in test assemblies alone: a run whose noise can be repeated has none.</summary>
public sealed class SeededNoise(ulong seed) : INoiseSource
{
    private readonly Lock _lock = new();
    private ulong _state = seed;

    public void Gaussian(Span<double> values, double standardDeviation) => GaussianNoise.Fill(values, standardDeviation, Fill);

    public void Laplace(Span<double> values, double scale) => LaplaceNoise.Fill(values, scale, Fill);

    public void DiscreteGaussian(Span<long> values, int log2Sigma) => DiscreteGaussianNoise.Fill(values, log2Sigma, Fill);

    public int PoissonSample(int count, double rate, Span<int> chosen) => PoissonSampling.Draw(count, rate, chosen, Fill);

    /// <summary>Uniform in [−1, 1), for inputs of tests.</summary>
    public float[] Uniform(int count)
    {
        var words = new uint[count];
        Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(words.AsSpan()));
        return [.. words.Select(word => ((word >> 8) / (float)(1 << 23)) - 1)];
    }

    /// <summary>SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195).</summary>
    public void Fill(Span<byte> bytes)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        lock (_lock)
        {
            for (var i = 0; i < bytes.Length; i += sizeof(ulong))
            {
                _state += 0x9E3779B97F4A7C15;
                var z = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
                BinaryPrimitives.WriteUInt64LittleEndian(word, z ^ (z >> 31));
                word[..Math.Min(sizeof(ulong), bytes.Length - i)].CopyTo(bytes[i..]);
            }
        }
    }
}
