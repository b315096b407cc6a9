using FlEvents.DifferentialPrivacy.Auditing;
using FlEvents.DifferentialPrivacy.Tests.Mechanisms;
using FlEvents.Testing.Noise;

namespace FlEvents.DifferentialPrivacy.Tests.Auditing;

public class CanaryVectorsTests
{
    private readonly SeededNoise _noise = new(5);

    [Theory, InlineData(7, 7), InlineData(100, 7), InlineData(5, 1)]
    public void Canaries_have_their_norm_and_are_orthogonal(int length, int count)
    {
        var canaries = new CanaryVectors(length, count, 3, _noise.Fill);
        var vectors = Enumerable.Range(0, count).Select(i => Values(canaries, i)).ToList();

        for (var i = 0; i < count; i++)
        {
            var scores = canaries.Scores(vectors[i]);
            for (var j = 0; j < count; j++)
            {
                // Rounded to float once: 2⁻²⁴ of 3.
                Assert.Equal(i == j ? 3 : 0, scores[j], 1e-6);
                Assert.Equal(i == j ? 9 : 0, vectors[i].Zip(vectors[j], (a, b) => (double)a * b).Sum(), 1e-5);
            }
        }
    }

    [Fact]
    public void Slices_make_up_the_whole()
    {
        var canaries = new CanaryVectors(101, 9, 1, _noise.Fill);
        var whole = Values(canaries, 4);

        foreach (var from in new[] { 0, 1, 3, 4, 5, 50, 95 })
        {
            var slice = new float[6];
            canaries.Read(4, from, slice);
            Assert.Equal(whole[from..(from + 6)], slice);
        }
    }

    [Fact]
    public void Coins_and_signs_are_even()
    {
        var coins = CanaryVectors.Coins(100_001, _noise.Fill);
        var signs = Values(new CanaryVectors(100_001, 1, 1, _noise.Fill), 0);

        Statistics.AssertCount(coins.Count(isIn => isIn), coins.Length, 0.5);
        Statistics.AssertCount(signs.Count(value => value > 0), signs.Length, 0.5);
    }

    [Fact]
    public void More_canaries_than_parameters_are_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new CanaryVectors(10, 11, 1, _noise.Fill));

        Assert.StartsWith("11 canaries can't be orthogonal in 10 parameters; expected at most as many canaries as parameters.", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CanaryVectors(10, 10, 0, _noise.Fill));
        Assert.Throws<ArgumentException>(() => new CanaryVectors(10, 10, 1, _noise.Fill).Scores(new float[9]));
    }

    private static float[] Values(CanaryVectors canaries, int canary)
    {
        var values = new float[canaries.Length];
        canaries.Read(canary, 0, values);
        return values;
    }
}
