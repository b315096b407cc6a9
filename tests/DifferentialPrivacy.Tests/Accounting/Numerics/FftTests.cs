using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting.Numerics;

public sealed class FftTests
{
    [Theory, InlineData(8), InlineData(16), InlineData(256)]
    public void The_spectrum_is_the_sum_by_definition_in_bit_reversed_order(int length)
    {
        var (re, im) = (Wave(length, 1.3), Wave(length, 2.7));
        var (spectrumRe, spectrumIm) = ((double[])re.Clone(), (double[])im.Clone());
        Fft.Of(length).Forward(spectrumRe, spectrumIm);
        for (var k = 0; k < length; k++)
        {
            var (sumRe, sumIm) = (0.0, 0.0);
            for (var j = 0; j < length; j++)
            {
                var (sin, cos) = Math.SinCos(-2 * Math.PI * j * k / length);
                sumRe += (re[j] * cos) - (im[j] * sin);
                sumIm += (re[j] * sin) + (im[j] * cos);
            }

            Assert.Equal(sumRe, spectrumRe[Reversed(k, length)], 1e-12 * length);
            Assert.Equal(sumIm, spectrumIm[Reversed(k, length)], 1e-12 * length);
        }
    }

    [Theory, InlineData(8), InlineData(1024), InlineData(65536)]
    public void There_and_back_stays_within_the_stated_error(int length)
    {
        var (re, im) = (Wave(length, 1.3), Wave(length, 2.7));
        var (backRe, backIm) = ((double[])re.Clone(), (double[])im.Clone());
        var fft = Fft.Of(length);
        fft.Forward(backRe, backIm);
        fft.Backward(backRe, backIm);

        var error = Math.Sqrt(re.Zip(backRe, (a, b) => (a - b) * (a - b)).Sum() + im.Zip(backIm, (a, b) => (a - b) * (a - b)).Sum());
        Assert.InRange(error, 0, 2 * fft.RelativeError * Math.Sqrt(re.Sum(x => x * x) + im.Sum(x => x * x)));
    }

    [Fact]
    public void Opposite_positions_hold_opposite_frequencies()
    {
        const int Length = 64;
        for (var k = 0; k < Length; k++)
        {
            Assert.Equal(Reversed((Length - k) % Length, Length), Fft.Opposite(Reversed(k, Length)));
        }
    }

    [Theory, InlineData(0), InlineData(4), InlineData(12), InlineData(1 << 23)]
    public void A_length_that_is_no_power_of_two_in_range_is_refused(int length) =>
        Assert.Contains("power of two", Assert.Throws<ArgumentOutOfRangeException>(() => Fft.Of(length)).Message, StringComparison.Ordinal);

    private static double[] Wave(int length, double step) => [.. Enumerable.Range(0, length).Select(i => Math.Sin((step * i * i) + i))];

    private static int Reversed(int k, int length)
    {
        var reversed = 0;
        for (var bit = 1; bit < length; bit <<= 1)
        {
            reversed = (reversed << 1) | ((k & bit) == 0 ? 0 : 1);
        }

        return reversed;
    }
}
