namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>Finds the parameter that just meets a target, for any accountant.</summary>
public static class Calibration
{
    private const double LeastMultiplier = 1e-3;
    private const double LargestMultiplier = 1e8;
    private const double NearStep = 1e-4;
    private const int MostEvaluations = 200;

    /// <summary>The smallest noise multiplier with ε of at most the target, from above.</summary>
    /// <param name="epsilonOf">ε by noise multiplier: does not grow with it; +∞ where there is no bound.</param>
    /// <param name="targetEpsilon">Finite and above 0.</param>
    /// <param name="relativeTolerance">How far above the smallest the answer may be.</param>
    /// <param name="near">Where it is expected; null when nothing is known.</param>
    /// <returns>A multiplier at which <paramref name="epsilonOf"/> was evaluated and met the target; null when none up to 10⁸ does.</returns>
    public static double? NoiseMultiplier(Func<double, double> epsilonOf, double targetEpsilon, double relativeTolerance = 1e-9, double? near = null)
    {
        Require.Positive(targetEpsilon);
        var start = Require.Positive(near ?? 1);
        var ratio = near is null ? 2 : 1 + NearStep;
        var (low, high) = ((Z: start, Above: Above(start)), (Z: start, Above: double.NaN));
        high = low;
        while (low.Above <= 0)
        {
            high = low;
            low.Z /= ratio;
            if (low.Z < LeastMultiplier)
            {
                return high.Z;
            }

            (low.Above, ratio) = (Above(low.Z), Math.Min(2, ratio * ratio * ratio));
        }

        while (high.Above > 0)
        {
            low = high;
            high.Z *= ratio;
            if (high.Z > LargestMultiplier)
            {
                return null;
            }

            (high.Above, ratio) = (Above(high.Z), Math.Min(2, ratio * ratio * ratio));
        }

        return Narrow(Above, low, high, relativeTolerance);

        // The logarithm makes the curve nearly straight in ln z. Its sign is that of the comparison itself, and what is no number meets no target.
        double Above(double z) => epsilonOf(z) is var epsilon && epsilon <= targetEpsilon
            ? Math.Min(0, epsilon > 0 ? Math.Log(epsilon / targetEpsilon) : -50)
            : epsilon > targetEpsilon ? Math.Max(double.Epsilon, Math.Log(epsilon / targetEpsilon)) : double.PositiveInfinity;
    }

    /// <summary>The largest whole number of steps with ε of at most the target.</summary>
    /// <param name="epsilonOf">ε by number of steps, from 1: does not fall with it.</param>
    /// <param name="targetEpsilon">Finite and above 0.</param>
    /// <param name="most">Where to stop looking; at least 1, at most 2⁶¹.</param>
    /// <returns>0 when not even one step fits.</returns>
    public static long Steps(Func<long, double> epsilonOf, double targetEpsilon, long most = 1L << 40)
    {
        Require.Positive(targetEpsilon);
        Require.Between(most, 1, 1L << 61);
        var (fits, fails) = (0L, 1L);
        while (fails <= most && epsilonOf(fails) <= targetEpsilon)
        {
            (fits, fails) = (fails, fails * 2);
        }

        fails = Math.Min(fails, most + 1);
        while (fails - fits > 1)
        {
            var middle = fits + ((fails - fits) / 2);
            (fits, fails) = epsilonOf(middle) <= targetEpsilon ? (middle, fails) : (fits, middle);
        }

        return fits;
    }

    /// <summary>
    /// False position with the Illinois rule in ln z, a bisection every fourth step; it aims a little past the crossing, so that both ends close in.
    /// </summary>
    private static double Narrow(Func<double, double> above, (double Z, double Above) low, (double Z, double Above) high, double tolerance)
    {
        var (weightLow, weightHigh) = (low.Above, high.Above);
        // An end that stays twice in a row weighs half.
        bool? movedLow = null;
        for (var i = 1; i < MostEvaluations && high.Z > low.Z * (1 + tolerance); i++)
        {
            var share = i % 4 == 0 || double.IsPositiveInfinity(weightLow) ? 0.5 : weightLow / (weightLow - weightHigh);
            var margin = Math.Min(0.5, 0.4 * tolerance / Math.Log(high.Z / low.Z));
            var aim = share + (share < 0.5 ? margin : -margin);
            var z = low.Z * Math.Pow(high.Z / low.Z, Math.Clamp(aim, margin, 1 - margin));
            if (!(z > low.Z && z < high.Z))
            {
                break;
            }

            var value = above(z);
            if (value > 0)
            {
                weightHigh = movedLow == true ? weightHigh / 2 : high.Above;
                (low, weightLow, movedLow) = ((z, value), value, true);
            }
            else
            {
                weightLow = movedLow == false ? weightLow / 2 : low.Above;
                (high, weightHigh, movedLow) = ((z, value), value, false);
            }
        }

        return high.Z;
    }
}
