namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>Finds the parameter that just meets a target, for any accountant.</summary>
public static class Calibration
{
    private const double LeastMultiplier = 1e-3;
    private const double LargestMultiplier = 1e8;
    private const int MostEvaluations = 200;

    /// <summary>The smallest noise multiplier with ε of at most the target, from above.</summary>
    /// <param name="epsilonOf">ε by noise multiplier: does not grow with it; +∞ where there is no bound.</param>
    /// <param name="targetEpsilon">Finite and above 0.</param>
    /// <param name="relativeTolerance">How far above the smallest the answer may be.</param>
    /// <returns>A multiplier at which <paramref name="epsilonOf"/> was evaluated and met the target; null when none up to 10⁸ does.</returns>
    public static double? NoiseMultiplier(Func<double, double> epsilonOf, double targetEpsilon, double relativeTolerance = 1e-9)
    {
        Require.Positive(targetEpsilon);
        var (low, high) = (1.0, 1.0);
        var (aboveAtLow, aboveAtHigh) = (Above(low), double.NaN);
        if (aboveAtLow <= 0)
        {
            aboveAtHigh = aboveAtLow;
            while (aboveAtLow <= 0)
            {
                (high, aboveAtHigh) = (low, aboveAtLow);
                low /= 2;
                if (low < LeastMultiplier)
                {
                    return high;
                }

                aboveAtLow = Above(low);
            }
        }
        else
        {
            while (!(aboveAtHigh <= 0))
            {
                high *= 2;
                if (high > LargestMultiplier)
                {
                    return null;
                }

                aboveAtHigh = Above(high);
                (low, aboveAtLow) = aboveAtHigh > 0 ? (high, aboveAtHigh) : (low, aboveAtLow);
            }
        }

        return Narrow(Above, (low, aboveAtLow), (high, aboveAtHigh), relativeTolerance);

        // The logarithm makes the curve nearly straight in ln z.
        double Above(double z) => epsilonOf(z) is var epsilon && epsilon > 0 ? Math.Log(epsilon / targetEpsilon) : -50;
    }

    /// <summary>The largest whole number of steps with ε of at most the target.</summary>
    /// <param name="epsilonOf">ε by number of steps, from 1: does not fall with it.</param>
    /// <param name="targetEpsilon">Finite and above 0.</param>
    /// <param name="most">Where to stop looking.</param>
    /// <returns>0 when not even one step fits.</returns>
    public static long Steps(Func<long, double> epsilonOf, double targetEpsilon, long most = 1L << 40)
    {
        Require.Positive(targetEpsilon);
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

    /// <summary>False position with the Illinois rule in ln z, a bisection every third step.</summary>
    private static double Narrow(Func<double, double> above, (double Z, double Above) low, (double Z, double Above) high, double tolerance)
    {
        var (weightLow, weightHigh) = (low.Above, high.Above);
        for (var i = 1; i < MostEvaluations && high.Z > low.Z * (1 + tolerance); i++)
        {
            var share = i % 3 == 0 || double.IsPositiveInfinity(weightLow) ? 0.5 : weightLow / (weightLow - weightHigh);
            var margin = Math.Min(0.5, tolerance / (4 * Math.Log(high.Z / low.Z)));
            var z = low.Z * Math.Pow(high.Z / low.Z, Math.Clamp(share, margin, 1 - margin));
            if (!(z > low.Z && z < high.Z))
            {
                break;
            }

            var value = above(z);
            if (value > 0)
            {
                (low, weightLow, weightHigh) = ((z, value), value, weightHigh / 2);
            }
            else
            {
                (high, weightHigh, weightLow) = ((z, value), value, weightLow / 2);
            }
        }

        return high.Z;
    }
}
