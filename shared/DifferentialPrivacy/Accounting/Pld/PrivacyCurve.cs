using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>A bound on δ(ε) = E[(1 − e^(ε−L))₊] on the points of a grid, in one direction, from above or from below.</summary>
/// <remarks>
/// Between two grid points δ of a distribution on the grid is linear in e^ε, so interpolating bounds at the points bounds it between them.
/// Everything that is not exact goes to the safe side: rounding of the FFT by its norm, relative errors of masses as e^(±Tτ), what lies above the window as
/// more δ (from above), and what was wrapped into the window as less (from below).
/// </remarks>
public sealed class PrivacyCurve
{
    // Relative error of a step's mass by quadrature, and per unit of exponent by e^(λl).
    private const double MassError = 2e-13;
    private const double ExponentError = 4e-16;
    private const double RoundingUnit = 1.1102230246251565e-16;

    private readonly double _width;
    private readonly long _firstIndex;
    private readonly double[] _logDeltas;

    private readonly bool _isUpper;

    private PrivacyCurve(double width, long firstIndex, double[] logDeltas, bool isUpper) =>
        (_width, _firstIndex, _logDeltas, _isUpper) = (width, firstIndex, logDeltas, isUpper);

    /// <param name="sum">The finished sum.</param>
    /// <param name="isUpper">From the dominating side, or from the dominated.</param>
    /// <param name="window">Its window.</param>
    /// <param name="firstIndex">Grid index of the window's lowest point.</param>
    /// <param name="width">h.</param>
    /// <param name="steps">T.</param>
    public static PrivacyCurve Of(SumOfSide sum, bool isUpper, LossWindow window, long firstIndex, double width, double steps)
    {
        var (masses, tilt) = (sum.Masses, window.Tilt);
        var top = firstIndex + masses.Length - 1;
        // Exponents are rounded in each step's masses, in the total and in the losses of the window; the recurrence below rounds at every point.
        var exponents = Math.Max(steps, Math.Abs(sum.LogMoment)) + Math.Abs(sum.LogMoment) + (tilt * Math.Max(Math.Abs(firstIndex), Math.Abs(top)) * width);
        var spread = (steps * MassError) + (ExponentError * exponents) + (8 * RoundingUnit * masses.Length);
        var error = sum.Error * WeightNorm(tilt, width, masses.Length);
        var wrapped = isUpper ? 0 : Wrapped(sum, window, firstIndex, top, width);
        // From above: everything that stays finite and lies above the window, by Chernoff's bound; and what is infinite.
        var extra = isUpper
            ? Math.Exp(Math.Min(0, sum.LogMomentUp - ((tilt + window.FurtherUp) * top * width))) - LogArithmetic.ExpM1(sum.LogFinite)
            : -LogArithmetic.ExpM1(sum.LogFinite);

        var logDeltas = new double[masses.Length];
        var (decay, fasterDecay, rise) = (Math.Exp(-tilt * width), Math.Exp(-(tilt + 1) * width), -LogArithmetic.ExpM1(-width));
        var (delta, rest) = (0.0, 0.0);
        for (var i = masses.Length - 1; i >= 0; i--)
        {
            // δ/e^(K − λs) at point i: Σ_{j>i} (1 − e^(−(j−i)h))·e^(−λ(j−i)h)·mass_j, from the point above.
            if (i < masses.Length - 1)
            {
                delta = decay * (delta + (rise * (masses[i + 1] + rest)));
                rest = fasterDecay * (masses[i + 1] + rest);
            }

            var logScale = sum.LogMoment - (tilt * (firstIndex + i) * width);
            var bounded = isUpper ? (delta + error) * Math.Exp(spread) : (delta - error - wrapped) * Math.Exp(-spread);
            var logDelta = extra > 0
                ? Math.Log(Math.Max(0, bounded) * Math.Exp(Math.Min(logScale, 700)) + extra)
                : bounded > 0 ? Math.Log(bounded) + logScale : double.NegativeInfinity;
            // Where errors are beyond a double there is no bound.
            logDeltas[i] = !double.IsNaN(logDelta) ? logDelta : isUpper ? double.PositiveInfinity : double.NegativeInfinity;
        }

        return new PrivacyCurve(width, firstIndex, logDeltas, isUpper);
    }

    /// <summary>A bound on the same side for the ε at which δ(ε) passes <paramref name="delta"/>; infinite where the window says nothing.</summary>
    public double Epsilon(double delta)
    {
        var target = Math.Log(delta);
        var i = _logDeltas.Length - 1;
        if (_logDeltas[i] > target)
        {
            return _isUpper ? double.PositiveInfinity : (_firstIndex + i) * _width;
        }

        while (i >= 0 && _logDeltas[i] <= target)
        {
            i--;
        }

        if (i < 0)
        {
            return _isUpper ? _firstIndex * _width : double.NegativeInfinity;
        }

        // Both values relative to the target, which may be below the range of a double.
        var (above, below) = (LogArithmetic.ExpM1(_logDeltas[i] - target), LogArithmetic.ExpM1(_logDeltas[i + 1] - target));
        var share = double.IsPositiveInfinity(above) ? 1 : above / (above - below);
        return ((_firstIndex + i) * _width) + LogArithmetic.LogP1(share * LogArithmetic.ExpM1(_width));
    }

    /// <summary>ln of the bound at ε; outside the window what follows from δ falling with ε.</summary>
    public double LogDelta(double epsilon)
    {
        var i = (int)Math.Clamp(Math.Floor(epsilon / _width) - _firstIndex, -1, _logDeltas.Length);
        if (i < 0)
        {
            return _isUpper ? 0 : _logDeltas[0];
        }

        if (i + 1 >= _logDeltas.Length)
        {
            return _isUpper ? _logDeltas[^1] : double.NegativeInfinity;
        }

        var share = LogArithmetic.ExpM1(epsilon - ((_firstIndex + i) * _width)) / LogArithmetic.ExpM1(_width);
        var mixed = new LogSum();
        mixed.Add(_logDeltas[i] + Math.Log(Math.Max(0, 1 - share)));
        mixed.Add(_logDeltas[i + 1] + Math.Log(Math.Max(0, share)));
        return mixed.Value;
    }

    /// <summary>Euclidean norm of the weights (1 − e^(−mh))·e^(−λmh), m = 1 … N, from above.</summary>
    private static double WeightNorm(double tilt, double width, int count)
    {
        if (tilt == 0)
        {
            return Math.Sqrt(count);
        }

        var x = Math.Exp(-2 * tilt * width);
        var byOne = x / -LogArithmetic.ExpM1(-2 * tilt * width);
        var byLength = width * width * x * (1 + x) / Math.Pow(-LogArithmetic.ExpM1(-2 * tilt * width), 3);
        return Math.Sqrt(Math.Min(count, Math.Min(byOne, byLength)));
    }

    /// <summary>Bound on the tilted probability outside the window.</summary>
    private static double Wrapped(SumOfSide sum, LossWindow window, long first, long top, double width) =>
        Math.Exp(Math.Min(0, sum.LogMomentUp - sum.LogMoment - (window.FurtherUp * top * width)))
        + Math.Exp(Math.Min(0, sum.LogMomentDown - sum.LogMoment + (window.FurtherDown * first * width)));
}
