using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Data;

/// <summary>A round pen: the width of its line in pixels, how soft the line's edge is, and how much width and pressure vary along a stroke.</summary>
internal readonly record struct DigitPen(double Radius, double Softness, double Variation)
{
    private const int Steps = 4;

    public static DigitPen Pick(SeededRandom random) =>
        new(Radius: 0.75 + (0.75 * random.NextDouble()), Softness: 0.9 + (0.7 * random.NextDouble()), Variation: 0.3 * random.NextDouble());

    /// <summary>Draws a stroke through the points.</summary>
    /// <param name="points">In pixels, at least two; between corners a uniform Catmull–Rom curve (Catmull and Rom 1974) goes through them.</param>
    /// <param name="ink">Share of ink of each pixel in [0, 1]; the darker of old and new stays.</param>
    public void Draw(ReadOnlySpan<PenPoint> points, Span<double> ink, SeededRandom random)
    {
        var startWidth = 1 + (Variation * ((2 * random.NextDouble()) - 1));
        var endWidth = 1 + (Variation * ((2 * random.NextDouble()) - 1));
        var spans = points.Length - 1;
        var (x, y, radius) = (points[0].X, points[0].Y, Radius * startWidth);
        for (var i = 0; i < spans; i++)
        {
            var before = i == 0 || points[i].Corner ? points[i] : points[i - 1];
            var after = i + 2 > spans || points[i + 1].Corner ? points[i + 1] : points[i + 2];
            for (var step = 1; step <= Steps; step++)
            {
                var t = step / (double)Steps;
                var nextX = CatmullRom(before.X, points[i].X, points[i + 1].X, after.X, t);
                var nextY = CatmullRom(before.Y, points[i].Y, points[i + 1].Y, after.Y, t);
                var nextRadius = Radius * (startWidth + ((endWidth - startWidth) * ((i + t) / spans)));
                Line(x, y, nextX, nextY, (radius + nextRadius) / 2, ink);
                (x, y, radius) = (nextX, nextY, nextRadius);
            }
        }
    }

    private static double CatmullRom(double before, double from, double to, double after, double t) =>
        from + (0.5 * t * (to - before + (t * ((2 * before) - (5 * from) + (4 * to) - after + (t * ((3 * (from - to)) + after - before))))));

    /// <summary>Inks every pixel by its centre's distance to a line: fully inside the radius less half the softness, not at all outside it plus half.</summary>
    private void Line(double x0, double y0, double x1, double y1, double radius, Span<double> ink)
    {
        const int side = DigitGenerator.Side;
        var reach = radius + (Softness / 2);
        var left = Math.Max(0, (int)(Math.Min(x0, x1) - reach));
        var right = Math.Min(side - 1, (int)(Math.Max(x0, x1) + reach));
        var top = Math.Max(0, (int)(Math.Min(y0, y1) - reach));
        var bottom = Math.Min(side - 1, (int)(Math.Max(y0, y1) + reach));
        var (dx, dy) = (x1 - x0, y1 - y0);
        var perSquaredLength = 1 / Math.Max((dx * dx) + (dy * dy), 1e-12);
        var (squaredReach, perSoftness) = (reach * reach, 1 / Softness);
        for (var row = top; row <= bottom; row++)
        {
            var py = row + 0.5 - y0;
            for (var column = left; column <= right; column++)
            {
                var px = column + 0.5 - x0;
                var along = ((px * dx) + (py * dy)) * perSquaredLength;
                along = along < 0 ? 0 : along > 1 ? 1 : along;
                var (ex, ey) = (px - (along * dx), py - (along * dy));
                var squared = (ex * ex) + (ey * ey);
                if (squared < squaredReach)
                {
                    var share = (reach - Math.Sqrt(squared)) * perSoftness;
                    share = share > 1 ? 1 : share;
                    ref var pixel = ref ink[(row * side) + column];
                    pixel = share > pixel ? share : pixel;
                }
            }
        }
    }
}
