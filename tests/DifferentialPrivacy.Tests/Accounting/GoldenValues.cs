using System.Text.Json;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting;

/// <summary>Rows of <c>golden.json</c>: privacy quantities by 40-digit arithmetic, made by bench/golden/make_accounting_golden.py.</summary>
internal static class GoldenValues
{
    private static readonly JsonElement Root = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Accounting", "golden.json"))).RootElement;

    /// <summary>At least one row of numbers.</summary>
    public static IReadOnlyList<double[]> Rows(string name)
    {
        double[][] rows = [.. Root.GetProperty(name).EnumerateArray().Select(row => row.EnumerateArray().Select(value => value.GetDouble()).ToArray())];
        Assert.NotEmpty(rows);
        return rows;
    }

    /// <summary>Equal to within a share of the expected value.</summary>
    public static void AssertClose(double expected, double actual, double relative) =>
        Assert.True(Math.Abs(actual - expected) <= relative * Math.Abs(expected), FormattableString.Invariant($"expected {expected:R}, found {actual:R}"));
}
