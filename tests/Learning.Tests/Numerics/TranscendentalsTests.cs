using FlEvents.Learning.Numerics;
using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Tests.Numerics;

public sealed class TranscendentalsTests
{
    [Fact]
    public void The_exponential_errs_by_at_most_its_stated_bound() =>
        AssertUnits(1.1, Grid(-104f, 88.7f, 400_000).Concat(Grid(-1f, 1f, 200_000)), Math.Exp, Transcendentals.Exp);

    [Fact]
    public void The_hyperbolic_tangent_errs_by_at_most_its_stated_bound() =>
        AssertUnits(1.6, Grid(-10f, 10f, 400_000).Concat(Grid(-0.7f, 0.7f, 200_000)).Concat(Tiny()), Math.Tanh, Transcendentals.Tanh);

    [Fact]
    public void The_logarithm_errs_by_at_most_its_stated_bound()
    {
        var random = SeededRandom.Derive(3, "log");
        for (var i = 0; i < 300_000; i++)
        {
            var x = i % 2 == 0 ? 0.5 + random.NextDouble() : Math.ScaleB(1 + random.NextDouble(), random.NextInt(2000) - 1040);
            var exact = Math.Log(x);
            Assert.True(Math.Abs(Transcendentals.Log(x) - exact) <= 3 * UnitInLastPlace(exact), $"ln {x:R}");
        }
    }

    [Fact]
    public void Limits_are_as_in_the_definition()
    {
        float[] values = [float.NegativeInfinity, -105f, 0f, 88.8f, float.PositiveInfinity, float.NaN, -0f, 1000f, -1000f];
        var powers = (float[])values.Clone();
        Transcendentals.Exp(powers);
        Assert.Equal([0f, 0f, 1f, float.PositiveInfinity, float.PositiveInfinity, float.NaN, 1f, float.PositiveInfinity, 0f], powers);
        var tangents = (float[])values.Clone();
        Transcendentals.Tanh(tangents);
        Assert.Equal([-1f, -1f, 0f, 1f, 1f, float.NaN, -0f, 1f, -1f], tangents);
        Assert.Equal(double.NegativeInfinity, Transcendentals.Log(0));
        Assert.Equal(double.PositiveInfinity, Transcendentals.Log(double.PositiveInfinity));
        Assert.Equal(double.NaN, Transcendentals.Log(-1));
        Assert.Equal(double.NaN, Transcendentals.Log(double.NaN));
        Assert.Equal(0, Transcendentals.Log(1));
    }

    [Fact]
    public void A_value_has_the_same_bits_wherever_it_stands()
    {
        for (var length = 1; length < 20; length++)
        {
            var values = Enumerable.Repeat(0.3f, length).ToArray();
            Transcendentals.Exp(values);
            Assert.Single(values.Distinct());
        }
    }

    private delegate void InPlace(Span<float> values);

    /// <summary>The .NET functions in double err by less than 2⁻⁵⁰, nothing beside a float's 2⁻²⁴.</summary>
    private static void AssertUnits(double most, IEnumerable<float> grid, Func<double, double> exact, InPlace function)
    {
        var inputs = grid.ToArray();
        var outputs = (float[])inputs.Clone();
        function(outputs);
        var worst = 0.0;
        for (var i = 0; i < inputs.Length; i++)
        {
            var expected = exact(inputs[i]);
            var unit = Math.Max(Math.ScaleB(1, Math.Max(Math.ILogB(expected), -126) - 23), float.Epsilon);
            worst = Math.Max(worst, Math.Abs(outputs[i] - expected) / unit);
        }

        Assert.True(worst <= most, $"The largest error is {worst} units in the last place.");
        Assert.True(worst > most / 1.5, $"The bound {most} could be {worst}.");
    }

    private static double UnitInLastPlace(double value) => Math.Abs(Math.BitIncrement(value) - value);

    private static IEnumerable<float> Grid(float from, float to, int count) =>
        Enumerable.Range(0, count).Select(i => from + ((to - from) * (i / (float)count)));

    private static IEnumerable<float> Tiny() => Enumerable.Range(1, 100).Select(i => (float)Math.ScaleB(i, -149)).Append(1e-30f).Append(1e-5f);
}
