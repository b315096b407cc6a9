using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Data;

/// <summary>
/// Draws handwriting-like digits, 28×28 grey bytes with ink at 255, so that a run needs no download. Image i is a pure function of the seed and i,
/// with the same bytes on every machine; every ten images in a row from a multiple of ten hold each class once, in random order.
/// </summary>
/// <remarks>
/// A way of writing the digit is picked, its points are moved, bent, slanted, turned and scaled at random, a Catmull–Rom curve is drawn through
/// them, and a round pen of varying width and pressure leaves a soft-edged line on slightly noisy paper.
/// </remarks>
public static class DigitGenerator
{
    /// <summary>Pixels a side.</summary>
    public const int Side = 28;

    /// <summary>Pixels of an image.</summary>
    public const int Pixels = Side * Side;

    /// <summary>Classes, the digits 0 to 9.</summary>
    public const int Classes = 10;

    private const int MaximumPoints = 32;

    /// <summary>The digit that image <paramref name="index"/> shows.</summary>
    /// <param name="seed">Names the data set.</param>
    /// <param name="index">At least 0.</param>
    public static int Class(long seed, int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        Span<int> order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        SeededRandom.Derive(seed, "digit-classes", index / Classes).Shuffle(order);
        return order[index % Classes];
    }

    /// <summary>Draws image <paramref name="index"/>.</summary>
    /// <param name="seed">Names the data set.</param>
    /// <param name="index">At least 0.</param>
    /// <param name="pixels">Receives the image, row by row from the top left; length <see cref="Pixels"/>.</param>
    /// <returns>The digit it shows.</returns>
    public static int Draw(long seed, int index, Span<byte> pixels)
    {
        if (pixels.Length != Pixels)
        {
            throw new ArgumentException($"{pixels.Length} bytes for an image of {Pixels} pixels.", nameof(pixels));
        }

        var digit = Class(seed, index);
        var random = SeededRandom.Derive(seed, "digit", index);
        var ways = DigitShapes.Of(digit);
        var strokes = ways[random.NextInt(ways.Length)];

        Span<PenPoint> points = stackalloc PenPoint[MaximumPoints];
        var count = 0;
        foreach (var stroke in strokes)
        {
            stroke.CopyTo(points[count..]);
            count += stroke.Length;
        }

        points = points[..count];
        Unsteady(points, random);
        Place(points, random);

        Span<double> ink = stackalloc double[Pixels];
        ink.Clear();
        var pen = DigitPen.Pick(random);
        var start = 0;
        foreach (var stroke in strokes)
        {
            pen.Draw(points.Slice(start, stroke.Length), ink, random);
            start += stroke.Length;
        }

        Develop(ink, pixels, random);
        return digit;
    }

    /// <summary>Moves every point on its own (an unsteady hand), then bends the whole by a random quadratic map (a habit).</summary>
    private static void Unsteady(Span<PenPoint> points, SeededRandom random)
    {
        var unsteadiness = 1.2 + (3.2 * random.NextDouble() * random.NextDouble());
        Span<double> bend = stackalloc double[6];
        foreach (ref var b in bend)
        {
            b = 6.5 * Bell(random);
        }

        foreach (ref var point in points)
        {
            var x = (point.X - 50) / 50;
            var y = (point.Y - 50) / 50;
            point = point with
            {
                X = point.X + (unsteadiness * Bell(random)) + (bend[0] * x * x) + (bend[1] * y * y) + (bend[2] * x * y),
                Y = point.Y + (unsteadiness * Bell(random)) + (bend[3] * x * x) + (bend[4] * y * y) + (bend[5] * x * y),
            };
        }
    }

    /// <summary>Slants, turns and scales the digit to pixels, then puts it off the centre, always a pen's width inside the image.</summary>
    private static void Place(Span<PenPoint> points, SeededRandom random)
    {
        var (sin, cos) = PortableMath.SinCos(0.09 * Bell(random));
        var slant = 0.1 + (0.135 * Bell(random));
        var height = 0.19 + (0.014 * Bell(random));
        var width = height * (0.95 + (0.1 * Bell(random)));

        double left = double.MaxValue, top = double.MaxValue, right = double.MinValue, bottom = double.MinValue;
        foreach (ref var point in points)
        {
            var y = (point.Y - 50) * height;
            var x = ((point.X - 50) * width) - (slant * y);
            point = point with { X = (x * cos) - (y * sin), Y = (x * sin) + (y * cos) };
            left = Math.Min(left, point.X);
            right = Math.Max(right, point.X);
            top = Math.Min(top, point.Y);
            bottom = Math.Max(bottom, point.Y);
        }

        const double room = Side - 6;
        var shrink = Math.Min(1, room / Math.Max(right - left, bottom - top));
        var freeX = (room - ((right - left) * shrink)) / 2;
        var freeY = (room - ((bottom - top) * shrink)) / 2;
        var shiftX = (Side / 2.0) + Math.Clamp(0.9 * Bell(random), -freeX, freeX) - ((left + right) / 2 * shrink);
        var shiftY = (Side / 2.0) + Math.Clamp(0.9 * Bell(random), -freeY, freeY) - ((top + bottom) / 2 * shrink);
        foreach (ref var point in points)
        {
            point = point with { X = (point.X * shrink) + shiftX, Y = (point.Y * shrink) + shiftY };
        }
    }

    /// <summary>Turns ink in [0, 1] into bytes, with grain in the ink and, on some sheets, faint grain in the paper.</summary>
    private static void Develop(ReadOnlySpan<double> ink, Span<byte> pixels, SeededRandom random)
    {
        var darkness = 255 * (0.85 + (0.15 * random.NextDouble()));
        var inkGrain = 0.15 * random.NextDouble() / 255;
        var paperGrain = Math.Max(0, (30 * random.NextDouble()) - 15) / 255;
        var bits = 0UL;
        for (var i = 0; i < Pixels; i++)
        {
            bits = i % 8 == 0 ? random.NextUInt64() : bits >> 8;
            var grain = (double)(bits & 0xFF);
            var level = (ink[i] * darkness * (1 - (inkGrain * grain))) + ((1 - ink[i]) * paperGrain * grain);
            pixels[i] = (byte)Math.Min(255, level + 0.5);
        }
    }

    /// <summary>A bell-shaped number of mean 0 and variance 1 within ±3.5: the sum of four uniforms.</summary>
    private static double Bell(SeededRandom random) =>
        (random.NextDouble() + random.NextDouble() + random.NextDouble() + random.NextDouble() - 2) * 1.7320508075688772;
}
