using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>The local release: a client's update, clipped and noised before it leaves the client.</summary>
public static class UpdateNoise
{
    private const int BlockLength = 4096;

    /// <summary>Clips in place to ‖Δ‖₂ ≤ C and adds N(0, (zC)²) to each coordinate, in double, rounded to float once.</summary>
    /// <param name="update">Δ, shape [P].</param>
    /// <param name="clipNorm">C, 10⁻³⁰ to 10³⁰.</param>
    /// <param name="noiseMultiplier">z = σ/C, finite and above 0. Whoever reads the message may compare any two updates, so Δ = 2C and the accountant takes
    /// z/2.</param>
    /// <param name="noise">The cryptographic source.</param>
    /// <exception cref="ArgumentException">C or z is out of range, or an element is not finite; the update is then unchanged.</exception>
    public static void Release(Span<float> update, double clipNorm, double noiseMultiplier, INoiseSource noise)
    {
        Positive.Check(noiseMultiplier, nameof(noiseMultiplier), "The noise multiplier");
        Clipping.ClipL2(update, clipNorm);
        var block = new double[Math.Min(BlockLength, update.Length)];
        try
        {
            for (var start = 0; start < update.Length; start += BlockLength)
            {
                var values = update.Slice(start, Math.Min(BlockLength, update.Length - start));
                var drawn = block.AsSpan(0, values.Length);
                noise.Gaussian(drawn, noiseMultiplier * clipNorm);
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = (float)(values[i] + drawn[i]);
                }
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(block.AsSpan()));
        }
    }
}
