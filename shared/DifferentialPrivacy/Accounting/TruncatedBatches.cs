using FlEvents.DifferentialPrivacy.Accounting.Numerics;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>The subsampled Gaussian whose batches are cut to a largest size, as a mixture of two that are not.</summary>
/// <remarks>
/// Let N be how many of the other n − 1 records are drawn, which does not depend on the record in question. While N &lt; B nothing is cut and the step is
/// the subsampled Gaussian (q, z). Otherwise the record enters with probability qB/(N+1) ≤ qB/(B+1), and takes a uniformly drawn place of the B: relative to
/// the batch without it the sum moves by at most 2C, a subsampled Gaussian with z/2. Hockey-stick and Rényi divergences are jointly convex, so telling
/// the observer which of the two happened, and taking the worst batch, bounds both. (arXiv:2508.15089 bounds the second case by a replaced record.)
/// </remarks>
public static class TruncatedBatches
{
    /// <summary>Probability that the batch is full without the record: P(Bin(n−1, q) ≥ B).</summary>
    public static double FullProbability(TruncatedSubsampledGaussianEvent part)
    {
        var others = part.DatasetSize - 1;
        if (part.LargestBatch > others)
        {
            return 0;
        }

        if (part.SamplingRate == 1)
        {
            return 1;
        }

        return BinomialDistribution.Tail(others, Math.Log(part.SamplingRate) - LogArithmetic.LogP1(-part.SamplingRate), part.LargestBatch);
    }

    /// <summary>The step when the batch is not full, and the one when it is.</summary>
    public static (SubsampledGaussianEvent Open, SubsampledGaussianEvent Full) Cases(TruncatedSubsampledGaussianEvent part) =>
        (new SubsampledGaussianEvent(part.SamplingRate, part.NoiseMultiplier),
            new SubsampledGaussianEvent(part.SamplingRate * part.LargestBatch / (part.LargestBatch + 1.0), part.NoiseMultiplier / 2));

    /// <summary>ln of the moment of the mixture, as a function of the order α.</summary>
    public static Func<double, double> LogMoment(TruncatedSubsampledGaussianEvent part)
    {
        var ((open, full), probability) = (Cases(part), FullProbability(part));
        if (probability is 0 or 1)
        {
            return order => LogMoment(probability == 0 ? open : full, order);
        }

        return order =>
        {
            var moment = new LogSum();
            moment.Add(LogArithmetic.LogP1(-probability) + LogMoment(open, order));
            moment.Add(Math.Log(probability) + LogMoment(full, order));
            return moment.Value;
        };
    }

    private static double LogMoment(SubsampledGaussianEvent step, double order) => step.SamplingRate == 1
        ? order * (order - 1) / (2 * step.NoiseMultiplier * step.NoiseMultiplier)
        : SubsampledGaussianMoment.Log(step.SamplingRate, step.NoiseMultiplier, order);
}
