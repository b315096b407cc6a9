using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>The distribution of a sum of losses, tilted by e^(λl), once from dominating and once from dominated steps, by one complex FFT for both.</summary>
/// <remarks>
/// Tilting makes the losses around ε(δ) the likely ones, so what the FFT rounds is small beside δ itself and not only beside 1
/// (the exponential tilting of saddle-point methods; Alghamdi et al. 2022, arXiv:2208.09595).
/// <para>The two distributions are the real and the imaginary part of one vector: the spectrum at k and −k separates them.</para>
/// </remarks>
public sealed class TiltedSum
{
    private const double RoundingUnit = 1.1102230246251565e-16;
    private const int Block = 64;

    private readonly Fft _fft;
    private readonly double _width;
    private readonly LossWindow _window;

    // At the first position of each pair ±k the spectrum of the dominating sum, at the second that of the dominated one. Positions 0 and 1 are pairs of
    // their own with real spectra: the dominating sum's as the real part, the dominated one's as the imaginary part.
    private readonly double[] _real;
    private readonly double[] _imaginary;

    // Σ Tᵢ‖zᵢ‖₂ of the vectors whose spectra were multiplied, which is what their rounding grows with.
    private double _errorScale;
    private double _steps;

    public TiltedSum(Fft fft, double width, LossWindow window)
    {
        (_fft, _width, _window) = (fft, width, window);
        (_real, _imaginary) = (new double[fft.Length], new double[fft.Length]);
        Array.Fill(_real, 1);
        (_imaginary[0], _imaginary[1]) = (1, 1);
        FirstIndex = (long)Math.Floor(window.Lowest / width);
    }

    /// <summary>Grid index of the window's lowest point.</summary>
    public long FirstIndex { get; }

    public SumOfSide Dominating { get; } = new();

    public SumOfSide Dominated { get; } = new();

    /// <summary>Adds a step <paramref name="count"/> times.</summary>
    public void Multiply(GridMasses dominating, GridMasses dominated, double count)
    {
        var (re, im) = (new double[_fft.Length], new double[_fft.Length]);
        Scatter(dominating, re, count, Dominating);
        Scatter(dominated, im, count, Dominated);
        _errorScale += count * Math.Sqrt(SquaredNorm(re) + SquaredNorm(im));
        _steps += count;
        _fft.Forward(re, im);
        for (var j = 0; j < re.Length; j++)
        {
            var opposite = Fft.Opposite(j);
            if (j > opposite)
            {
                continue;
            }

            var (ur, ui) = Power(0.5 * (re[j] + re[opposite]), 0.5 * (im[j] - im[opposite]), count);
            var (vr, vi) = Power(0.5 * (im[j] + im[opposite]), 0.5 * (re[opposite] - re[j]), count);
            if (j == opposite)
            {
                (_real[j], _imaginary[j]) = (_real[j] * ur, _imaginary[j] * vr);
                continue;
            }

            (_real[j], _imaginary[j]) = ((_real[j] * ur) - (_imaginary[j] * ui), (_real[j] * ui) + (_imaginary[j] * ur));
            (_real[opposite], _imaginary[opposite]) =
                ((_real[opposite] * vr) - (_imaginary[opposite] * vi), (_real[opposite] * vi) + (_imaginary[opposite] * vr));
        }
    }

    /// <summary>Transforms back. The masses of each side then stand in the window's order; their errors are at most <c>Error</c> in the Euclidean norm.</summary>
    public void Finish()
    {
        for (var j = 0; j < _real.Length; j++)
        {
            var opposite = Fft.Opposite(j);
            if (j < opposite)
            {
                var (ur, ui, vr, vi) = (_real[j], _imaginary[j], _real[opposite], _imaginary[opposite]);
                (_real[j], _imaginary[j]) = (ur - vi, ui + vr);
                (_real[opposite], _imaginary[opposite]) = (ur + vi, vr - ui);
            }
        }

        _fft.Backward(_real, _imaginary);
        var norm = Math.Sqrt(SquaredNorm(_real) + SquaredNorm(_imaginary));
        // Spectra have at most 1 in each place, so an error e in one of them reaches its power T(1 + e)^T times; squaring rounds each power by 3T units at most.
        var growth = Math.Exp(_fft.RelativeError * _errorScale * Math.Sqrt(_fft.Length));
        var error = 1.01 * growth * ((_fft.RelativeError * (_errorScale + norm)) + (4 * RoundingUnit * _steps * norm));
        Unwrap(_real, Dominating, error);
        Unwrap(_imaginary, Dominated, error);
    }

    private void Unwrap(double[] wrapped, SumOfSide side, double error)
    {
        var shift = (int)Modulo(FirstIndex);
        var masses = new double[wrapped.Length];
        wrapped.AsSpan(shift).CopyTo(masses);
        wrapped.AsSpan(0, shift).CopyTo(masses.AsSpan(wrapped.Length - shift));
        (side.Masses, side.Error) = (masses, error);
    }

    private long Modulo(long index) => ((index % _fft.Length) + _fft.Length) % _fft.Length;

    /// <summary>Writes a step's tilted masses, normalised, around the circle, and adds its moments to the side's.</summary>
    private void Scatter(GridMasses step, double[] circle, double count, SumOfSide side)
    {
        var (tilt, down, up) = (_window.Tilt, _window.FurtherDown, _window.FurtherUp);
        var tilted = new double[step.Masses.Length];
        var reference = Reference(step, tilt);
        var (sum, logDown, logUp) = (0.0, new LogSum(), new LogSum());
        for (var start = 0; start < tilted.Length; start += Block)
        {
            // Moments by blocks: a block's own sums are small, so adding up loses nothing that matters, and three exponentials serve 64 points.
            var loss = (step.First + (double)start) * _width;
            var (blockSum, blockDown, blockUp) = (0.0, 0.0, 0.0);
            for (var i = start; i < Math.Min(start + Block, tilted.Length); i++)
            {
                if (step.Masses[i] > 0)
                {
                    var offset = (i - start) * _width;
                    var exponent = (tilt * (loss + offset)) - reference;
                    var mass = tilted[i] = step.Masses[i] * Math.Exp(exponent);
                    blockSum += mass;
                    if (mass > 0)
                    {
                        blockDown += mass * Math.Exp(-down * offset);
                        blockUp += mass * Math.Exp(up * offset);
                    }
                    else
                    {
                        // Too small for a double under this tilt, but perhaps not under the further ones.
                        var logMass = Math.Log(step.Masses[i]) + exponent;
                        logDown.Add(logMass - (down * (loss + offset)));
                        logUp.Add(logMass + (up * (loss + offset)));
                    }
                }
            }

            sum += blockSum;
            // A block's sum can vanish under the factor; without it it is larger.
            logDown.Add(Math.Log(blockDown > 0 ? blockDown : blockSum) - (down * loss));
            logUp.Add(Math.Log(blockUp) + (up * loss));
        }

        side.LogMoment += count * (reference + Math.Log(sum));
        side.LogMomentDown += count * (reference + logDown.Value);
        side.LogMomentUp += count * (reference + logUp.Value);
        for (var i = 0; i < tilted.Length; i++)
        {
            if (tilted[i] > 0)
            {
                circle[Modulo(step.First + (long)i)] += tilted[i] / sum;
            }
        }
    }

    /// <summary>The largest ln(mass) + λl, so that no tilted mass overflows.</summary>
    private double Reference(GridMasses step, double tilt)
    {
        var largest = double.NegativeInfinity;
        for (var i = 0; i < step.Masses.Length; i++)
        {
            if (step.Masses[i] > 0)
            {
                var value = Math.Log(step.Masses[i]) + (tilt * (step.First + (double)i) * _width);
                largest = Math.Max(largest, value);
            }
        }

        return largest;
    }

    private static double SquaredNorm(double[] values)
    {
        var sum = 0.0;
        foreach (var value in values)
        {
            sum += value * value;
        }

        return sum;
    }

    private static (double Real, double Imaginary) Power(double re, double im, double count)
    {
        var size = (re * re) + (im * im);
        if (size == 0 || 0.5 * count * Math.Log(size) < -300)
        {
            return (0, 0);
        }

        var (resultRe, resultIm) = (1.0, 0.0);
        for (var left = (long)count; ; left >>= 1)
        {
            if ((left & 1) == 1)
            {
                (resultRe, resultIm) = ((resultRe * re) - (resultIm * im), (resultRe * im) + (resultIm * re));
            }

            if (left <= 1)
            {
                return (resultRe, resultIm);
            }

            (re, im) = ((re * re) - (im * im), 2 * re * im);
        }
    }
}

/// <summary>One of the two sums.</summary>
public sealed class SumOfSide
{
    /// <summary>ln E[e^(λL)] of the sum, and the same at λ − θ and λ + θ of the window's further tilts.</summary>
    public double LogMoment { get; set; }

    public double LogMomentDown { get; set; }

    public double LogMomentUp { get; set; }

    /// <summary>Tilted masses in the window, summing to about 1; what lies outside is wrapped into it.</summary>
    public double[] Masses { get; set; } = [];

    /// <summary>Bound on the Euclidean norm of the masses' rounding errors.</summary>
    public double Error { get; set; }

    /// <summary>ln Π(1 − P(loss is +∞))^T over the steps: what is left to be finite.</summary>
    public double LogFinite { get; set; }
}
