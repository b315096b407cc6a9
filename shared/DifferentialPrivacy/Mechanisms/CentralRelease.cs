using System.Runtime.ExceptionServices;

namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Fills a span with Δ from a parameter's index on; called from several threads.</summary>
/// <param name="from">First parameter, from 0.</param>
/// <param name="values">Filled with as many parameters as it holds.</param>
public delegate void UpdateReader(int from, Span<float> values);

/// <summary>What a central release is made with; constant for a run but for C.</summary>
public sealed record CentralSettings
{
    /// <summary>C, 10⁻³⁰ to 10³⁰, in parameter units.</summary>
    public required double ClipNorm { get; init; }

    /// <summary>z, what the accountant takes; finite and above 0.</summary>
    public required double NoiseMultiplier { get; init; }

    /// <summary>D, the run's target cohort, whatever was admitted; at least 1.</summary>
    public required int TargetCohort { get; init; }

    /// <summary>
    /// σ_b of adaptive clipping; null for a fixed C. With it the updates get z_Δ, and updates must arrive clipped to the largest C of the run.
    /// </summary>
    public double? CountNoise { get; init; }
}

/// <summary>What a central release gave; all of it is noised.</summary>
/// <param name="MeanUpdate">(Σ clip_C(Δₖ) + noise)/D, shape [P].</param>
/// <param name="UnclippedShare">b̄ in [0, 1] for adaptive clipping; null for a fixed C.</param>
public sealed record CentralResult(float[] MeanUpdate, double? UnclippedShare);

/// <summary>The central release: client updates clipped, summed on a grid in 64-bit integers, and noised once by the discrete Gaussian.</summary>
/// <remarks>
/// One client moves the sum by at most C, so the release is 1/(2z²)-zCDP, with RDP α/(2z²) (Canonne, Kamath and Steinke 2020, arXiv:2004.00010). Before the
/// noise the result does not depend on the order of the updates, on slices or on threads.
/// </remarks>
public static class CentralRelease
{
    /// <summary>Parameters a thread sums at a time: 1.5 MB of sums and values. A multiple of the lanes of a norm.</summary>
    private const int SliceLength = 1 << 17;

    /// <summary>Clips, sums, noises and divides.</summary>
    /// <param name="length">P, at least 1.</param>
    /// <param name="updates">The admitted updates, each with weight 1; may be none. Each is read twice.</param>
    /// <param name="settings">The run's.</param>
    /// <param name="noise">The cryptographic source.</param>
    /// <param name="threads">At least 1.</param>
    /// <exception cref="ArgumentException">A setting is out of range, the sum might leave 64 bits, or an update is not finite.</exception>
    /// <remarks>Memory is O(slice × threads) beside the result. A reader's exception comes as it was thrown.</remarks>
    public static CentralResult Release(int length, IReadOnlyList<UpdateReader> updates, CentralSettings settings, INoiseSource noise, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.TargetCohort, 1, nameof(settings.TargetCohort));
        Clipping.CheckNorm(settings.ClipNorm);
        Positive.Check(settings.NoiseMultiplier, nameof(settings.NoiseMultiplier), "The noise multiplier");
        var multiplier = settings.CountNoise is { } countNoise
            ? AdaptiveClipping.UpdateNoiseMultiplier(settings.NoiseMultiplier, countNoise)
            : settings.NoiseMultiplier;
        var grid = Grid.For(multiplier * settings.ClipNorm, settings.ClipNorm, updates.Count);
        var norms = Norms(length, updates, threads);
        var mean = new float[length];
        ForEach((length + SliceLength - 1) / SliceLength, threads, slice =>
            ReleaseSlice(slice * SliceLength, updates, norms, grid, settings, noise, mean));
        var share = settings.CountNoise is { } sigma ? UnclippedShare(norms, settings, sigma, noise) : (double?)null;
        return new CentralResult(mean, share);
    }

    /// <summary>‖Δₖ‖₂ of each update, every sum in its own one order.</summary>
    private static double[] Norms(int length, IReadOnlyList<UpdateReader> updates, int threads)
    {
        var norms = new double[updates.Count];
        ForEach(updates.Count, threads, update =>
        {
            var sum = default(NormSum);
            var values = new float[Math.Min(SliceLength, length)];
            for (var from = 0; from < length; from += SliceLength)
            {
                var slice = values.AsSpan(0, Math.Min(SliceLength, length - from));
                updates[update](from, slice);
                sum.AddSquares(slice);
            }

            values.AsSpan().Clear();
            norms[update] = double.IsFinite(sum.Total)
                ? Math.Sqrt(sum.Total)
                : throw new ArgumentException($"Update {update} holds a NaN or an infinity; expected finite numbers.", nameof(updates));
        });
        return norms;
    }

    private static void ReleaseSlice(
        int from, IReadOnlyList<UpdateReader> updates, double[] norms, Grid grid, CentralSettings settings, INoiseSource noise, float[] mean)
    {
        var result = mean.AsSpan(from, Math.Min(SliceLength, mean.Length - from));
        var sums = new long[result.Length];
        var scratch = new float[result.Length];
        for (var update = 0; update < updates.Count; update++)
        {
            updates[update](from, scratch);
            grid.Add(scratch, Clipping.Factor(norms[update], settings.ClipNorm), sums);
        }

        var drawn = new long[result.Length];
        noise.DiscreteGaussian(drawn, Grid.Log2Sigma);
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = (float)(grid.Units(sums[i] + drawn[i]) / settings.TargetCohort);
        }

        // Nobody reads them again, but memory that is collected is not erased.
        sums.AsSpan().Clear();
        drawn.AsSpan().Clear();
        scratch.AsSpan().Clear();
    }

    /// <summary>½ + (Σ(bₖ − ½) + noise)/D within [0, 1], the sum on a grid of its own.</summary>
    private static double UnclippedShare(double[] norms, CentralSettings settings, double countNoise, INoiseSource noise)
    {
        const float Half = 0.5f;
        var grid = Grid.For(countNoise, Half, norms.Length);
        Span<long> sum = [0];
        foreach (var norm in norms)
        {
            grid.Add([norm <= settings.ClipNorm ? Half : -Half], 1, sum);
        }

        Span<long> drawn = [0];
        noise.DiscreteGaussian(drawn, Grid.Log2Sigma);
        return Math.Clamp(Half + (grid.Units(sum[0] + drawn[0]) / settings.TargetCohort), 0, 1);
    }

    private static void ForEach(int count, int threads, Action<int> work)
    {
        if (count <= 1 || threads == 1)
        {
            for (var i = 0; i < count; i++)
            {
                work(i);
            }

            return;
        }

        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, work);
        }
        catch (AggregateException e)
        {
            // A reader's fault is the same to the caller, however many threads there are.
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
