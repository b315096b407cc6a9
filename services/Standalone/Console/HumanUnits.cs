using System.Globalization;

namespace FlEvents.Standalone.Console;

/// <summary>Numbers as people read them: three significant digits and a unit.</summary>
public static class HumanUnits
{
    private static readonly string[] Decimal = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

    /// <summary>Bytes in decimal units, e.g. <c>1.24 MB</c>.</summary>
    public static string Bytes(long bytes)
    {
        var scaled = (double)bytes;
        var unit = 0;
        // 999.5 would be shown as 1000 of its unit.
        while (Math.Abs(scaled) >= 999.5 && unit < Decimal.Length - 1)
        {
            scaled /= 1000;
            unit++;
        }

        return $"{(unit == 0 ? scaled.ToString("F0", CultureInfo.InvariantCulture) : Digits(scaled))} {Decimal[unit]}";
    }

    /// <summary>A length of time, e.g. <c>420 ms</c>, <c>3.45 s</c>, <c>2 min 5 s</c> or <c>1 h 12 min</c>.</summary>
    /// <param name="seconds">Not negative.</param>
    public static string Duration(double seconds) => seconds switch
    {
        < 0.9995 => $"{Math.Round(seconds * 1000).ToString("F0", CultureInfo.InvariantCulture)} ms",
        < 59.95 => $"{Digits(seconds)} s",
        < 3599.5 => Pair(seconds, 60, "min", "s"),
        _ => Pair(seconds / 60, 60, "h", "min"),
    };

    /// <summary>A share in [0, 1] as a percentage with two decimals, e.g. <c>95.31 %</c>; a dash for none.</summary>
    public static string Share(double? share) => share is { } value ? $"{(value * 100).ToString("F2", CultureInfo.InvariantCulture)} %" : "–";

    /// <summary>A loss or another score with four significant digits, e.g. <c>0.1234</c>; a dash for none.</summary>
    public static string Score(double? score) => score switch
    {
        null => "–",
        { } value when value != 0 && Math.Abs(value) is < 1e-3 or >= 1e5 => value.ToString("0.000e0", CultureInfo.InvariantCulture),
        { } value => value.ToString($"F{Decimals(value, 4)}", CultureInfo.InvariantCulture),
    };

    /// <summary>A whole number with a comma between thousands.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static string Digits(double value) => value.ToString($"F{Decimals(value, 3)}", CultureInfo.InvariantCulture);

    /// <summary>Decimals that leave so many significant digits, or so many decimals below 1.</summary>
    private static int Decimals(double value, int digits)
    {
        // Rounding first: 9.999 has as many digits before the point as the 10.0 that is shown.
        var rounded = Math.Abs(double.Parse(value.ToString($"G{digits}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));
        return rounded < 1 ? digits : Math.Max(0, digits - 1 - (int)Math.Floor(Math.Log10(rounded)));
    }

    private static string Pair(double small, int perLarge, string largeUnit, string smallUnit)
    {
        var rounded = (long)Math.Round(small);
        return string.Create(CultureInfo.InvariantCulture, $"{rounded / perLarge} {largeUnit} {rounded % perLarge} {smallUnit}");
    }
}
