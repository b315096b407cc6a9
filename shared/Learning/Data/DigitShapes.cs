using System.Globalization;

namespace FlEvents.Learning.Data;

/// <summary>A point of a stroke in units of a hundredth of the digit's height, y downwards; at a corner the curve breaks.</summary>
internal readonly record struct PenPoint(double X, double Y, bool Corner);

/// <summary>How people write the ten digits: for each, several ways, each a list of strokes through which a smooth curve is drawn.</summary>
internal static class DigitShapes
{
    // One line a stroke: "x y" points, "!" after a corner. Ways of writing are separated by "/", strokes of one way by "+".
    private static readonly string[] Sources =
    [
        """
        52 2, 30 10, 20 35, 20 65, 32 92, 52 99, 72 88, 80 60, 78 30, 66 8, 50 2, 38 6
        / 56 3, 38 16, 30 45, 34 80, 50 98, 66 82, 70 48, 66 16, 54 2
        / 66 10, 48 2, 28 18, 20 50, 28 84, 50 98, 72 84, 80 50, 72 18, 58 6
        / 40 8, 26 34, 24 68, 42 97, 64 88, 76 56, 72 20, 54 3, 38 10, 34 20
        """,
        """
        52 2, 50 50, 48 98
        / 32 26, 42 16, 54 2!, 52 50, 50 98
        / 32 24, 42 16, 54 2!, 52 50, 50 98 + 28 98, 50 97, 74 97
        / 58 2, 52 34, 48 68, 44 98
        """,
        """
        24 26, 32 8, 52 2, 72 12, 74 32, 58 58, 36 80, 20 97!, 50 96, 82 95
        / 24 24, 34 6, 56 2, 74 16, 70 40, 52 66, 30 88, 20 92, 20 80, 34 78, 52 90, 70 97, 84 92
        / 26 14, 50 3, 70 12, 68 34, 46 68, 22 96!, 46 90, 64 97, 82 92
        / 22 20, 36 4, 62 4, 74 22, 62 46, 40 70, 22 92!, 40 86, 60 92, 84 96
        """,
        """
        24 14, 44 2, 68 10, 70 30, 56 44, 42 48!, 62 52, 76 70, 66 92, 44 99, 22 88
        / 24 5, 50 4, 74 4!, 60 22, 44 42!, 66 46, 78 66, 68 90, 46 98, 22 90
        / 26 12, 48 2, 70 14, 64 36, 48 48, 38 44, 46 41, 62 50, 76 70, 64 94, 42 99, 22 88
        / 28 10, 50 2, 68 14, 62 34, 46 45!, 64 48, 72 64, 66 84, 46 97, 26 94
        """,
        """
        30 4, 26 30, 22 54!, 50 54, 82 52 + 66 8, 64 50, 62 98
        / 62 98, 63 50, 64 3!, 40 34, 16 66!, 50 66, 84 64
        / 28 6, 22 34, 30 52, 50 54, 72 44 + 76 4, 70 50, 66 98
        / 36 4, 28 28, 20 56!, 48 58, 80 54 + 62 30, 58 62, 56 98
        """,
        """
        34 6, 30 26, 28 44!, 48 38, 70 48, 76 68, 64 92, 42 99, 22 90 + 34 6, 54 5, 76 4
        / 76 5, 54 5, 34 6!, 31 26, 28 44!, 50 38, 70 50, 75 70, 62 92, 40 98, 22 90
        / 74 6, 52 4, 36 14, 34 34, 52 46, 70 56, 74 76, 58 96, 36 98, 22 88
        / 38 8, 34 28, 30 46!, 52 42, 68 54, 70 74, 54 94, 28 97 + 38 8, 58 10, 80 4
        """,
        """
        66 4, 44 22, 28 50, 26 78, 42 98, 64 92, 72 72, 60 56, 42 58, 28 72
        / 58 2, 40 30, 28 62, 32 90, 50 99, 68 88, 70 68, 54 56, 36 66, 30 80
        / 74 14, 58 4, 38 18, 26 50, 28 82, 48 99, 68 88, 70 66, 54 54, 34 64, 28 74
        / 48 2, 36 30, 28 60, 34 90, 54 98, 70 84, 66 64, 48 60, 34 74
        """,
        """
        20 6, 50 5, 80 4!, 64 36, 52 66, 44 98
        / 20 6, 50 5, 80 4!, 64 36, 52 66, 44 98 + 38 50, 54 49, 74 48
        / 22 20, 22 6!, 50 8, 78 4!, 62 34, 50 64, 46 98
        / 20 10, 38 6, 60 8, 78 6, 70 28, 54 58, 42 98
        """,
        """
        70 14, 50 2, 32 14, 34 32, 52 46, 70 62, 74 82, 52 99, 28 86, 32 64, 50 48, 66 34, 72 18, 64 8
        / 50 3, 34 10, 32 30, 48 45, 66 34, 68 14, 50 3 + 50 46, 30 60, 28 84, 50 98, 72 86, 70 60, 48 46
        / 74 8, 52 3, 36 16, 44 36, 60 54, 68 76, 54 97, 34 92, 32 72, 48 52, 64 32, 76 12
        / 52 46, 34 32, 36 10, 56 3, 70 18, 58 38, 40 56, 28 78, 42 98, 66 94, 70 70, 54 48
        """,
        """
        70 22, 56 4, 34 12, 28 34, 42 50, 60 44, 70 22!, 68 60, 62 98
        / 72 24, 58 4, 36 10, 28 32, 42 50, 62 42, 72 22!, 72 56, 64 86, 46 98, 28 92
        / 68 18, 50 4, 32 16, 32 40, 50 48, 66 32, 70 8!, 66 50, 56 98
        / 66 14, 44 6, 30 24, 40 44, 60 38, 70 16, 68 44, 58 72, 46 98
        """,
    ];

    private static readonly PenPoint[][][][] Shapes = [.. Sources.Select(source => source.Split('/').Select(Strokes).ToArray())];

    /// <summary>The ways of writing a digit: [way][stroke][point].</summary>
    public static PenPoint[][][] Of(int digit) => Shapes[digit];

    private static PenPoint[][] Strokes(string way) => [.. way.Split('+').Select(stroke => stroke.Split(',').Select(Point).ToArray())];

    private static PenPoint Point(string text)
    {
        var corner = text.Contains('!', StringComparison.Ordinal);
        var numbers = text.Replace("!", "", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new PenPoint(double.Parse(numbers[0], CultureInfo.InvariantCulture), double.Parse(numbers[1], CultureInfo.InvariantCulture), corner);
    }
}
