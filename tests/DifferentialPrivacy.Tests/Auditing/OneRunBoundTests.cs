using FlEvents.DifferentialPrivacy.Auditing;

namespace FlEvents.DifferentialPrivacy.Tests.Auditing;

public class OneRunBoundTests
{
    /// <summary>Steinke, Nasr and Jagielski 2023, arXiv:2305.08846v1: appendix D (page 46) and section 7 (page 28), which print three decimals.</summary>
    [Theory, InlineData(1000, 100, 75, 1e-4, 0.673), InlineData(100_000, 1510, 1439, 1e-5, 2.675)]
    public void The_published_bounds_come_out(int canaries, int guesses, int correct, double delta, double published) =>
        Assert.Equal(published, OneRunBound.Epsilon(canaries, guesses, correct, delta, 0.95), 1e-3);

    [Theory, InlineData(1, 0.6), InlineData(30, 0.999), InlineData(1000, 0.999)]
    public void Guesses_that_are_all_right_refute_by_their_root(int guesses, double confidence)
    {
        // Without δ: (e^ε/(1 + e^ε))^r = 1 − confidence.
        var right = Math.Pow(1 - confidence, 1.0 / guesses);

        // (1 - 0.6)^1 is below ½, which even ε = 0 allows more often than that.
        Assert.Equal(Math.Max(0, Math.Log(right / (1 - right))), OneRunBound.Epsilon(guesses, guesses, guesses, 0, confidence), 1e-9);
    }

    [Fact]
    public void A_small_case_is_that_of_the_definition()
    {
        // W of 3 with chance q = ¾ (ε = ln 3): P[W = 0 … 3] = 1, 9, 27, 27 of 64. For v = 2: 54/64, and the worst average below is P[W = 1] = 9/64.
        Assert.Equal((54.0 / 64) + (2 * 5 * 0.01 * 9 / 64), OneRunBound.PValue(5, 3, 2, Math.Log(3), 0.01), 1e-14);
        Assert.Equal(54.0 / 64, OneRunBound.PValue(5, 3, 2, Math.Log(3), 0), 1e-14);

        // For v = 3: P[W ≥ 3] = 27/64; below it 27/64, (27 + 9)/2·64, (27 + 9 + 1)/3·64: the first is the worst.
        Assert.Equal((27.0 / 64) + (2 * 5 * 0.01 * 27 / 64), OneRunBound.PValue(5, 3, 3, Math.Log(3), 0.01), 1e-14);
        Assert.Equal(1, OneRunBound.PValue(5, 3, 0, 0, 0.5));
    }

    [Theory, InlineData(0), InlineData(1e-6), InlineData(1e-4)]
    public void Where_it_matters_the_probability_grows_with_epsilon_and_falls_with_correct_guesses(double delta)
    {
        for (var correct = 120; correct <= 200; correct += 5)
        {
            var last = 0.0;
            for (var epsilon = 0.0; epsilon < 6; epsilon += 0.05)
            {
                var value = OneRunBound.PValue(400, 200, correct, epsilon, delta);
                if (value > 0.05)
                {
                    break;
                }

                Assert.True(value >= last, $"{value} after {last} at {epsilon}.");
                Assert.True(correct == 200 || OneRunBound.PValue(400, 200, correct + 1, epsilon, delta) <= value);
                last = value;
            }
        }
    }

    [Fact]
    public void Many_canaries_cost_no_precision()
    {
        // ln r! up to 10⁶ sums a million logarithms; all right has a closed form to compare with.
        var right = Math.Pow(1e-3, 1e-6);

        Assert.Equal(Math.Log(right / (1 - right)), OneRunBound.Epsilon(1_000_000, 1_000_000, 1_000_000, 0, 0.999), 1e-6);
        Assert.Equal(0, OneRunBound.Epsilon(1_000_000, 1_000_000, 500_000, 1e-9, 0.999));
    }

    [Fact]
    public void Values_out_of_range_are_refused_by_name()
    {
        Assert.Contains("0 correct guesses of 11", Assert.Throws<ArgumentException>(() => OneRunBound.Epsilon(10, 11, 0, 0, 0.9)).Message);
        Assert.Contains("4 correct guesses of 3", Assert.Throws<ArgumentException>(() => OneRunBound.PValue(10, 3, 4, 1, 0)).Message);
        Assert.Contains("ε is NaN", Assert.Throws<ArgumentOutOfRangeException>(() => OneRunBound.PValue(10, 3, 1, double.NaN, 0)).Message);
        Assert.Contains("δ is 1", Assert.Throws<ArgumentOutOfRangeException>(() => OneRunBound.PValue(10, 3, 1, 1, 1)).Message);
        Assert.Contains("confidence is 1", Assert.Throws<ArgumentOutOfRangeException>(() => OneRunBound.Epsilon(10, 3, 1, 0, 1)).Message);
    }
}
