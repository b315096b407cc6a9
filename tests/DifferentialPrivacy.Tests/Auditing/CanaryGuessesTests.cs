using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Auditing;
using FlEvents.DifferentialPrivacy.Tests.Mechanisms;
using FlEvents.Testing.Noise;

namespace FlEvents.DifferentialPrivacy.Tests.Auditing;

public class CanaryGuessesTests
{
    private readonly SeededNoise _noise = new(11);

    [Fact]
    public void The_numbers_of_guesses_are_fixed_by_the_number_of_canaries()
    {
        Assert.Equal([1000, 500, 250, 124, 62, 30], CanaryGuesses.Plans(1000));
        Assert.Equal([6, 2], CanaryGuesses.Plans(7));
        Assert.Equal([2], CanaryGuesses.Plans(2));
    }

    [Fact]
    public void The_highest_are_guessed_in_and_the_lowest_out()
    {
        var included = CanaryVectors.Coins(100, _noise.Fill);
        double[] scores = [.. included.Select((isIn, i) => (isIn ? 1 : -1) * (1 + (i / 100.0)))];

        var outcome = CanaryGuesses.Judge(scores, included, 0, 0.99);

        var half = Math.Min(included.Count(isIn => isIn), included.Count(isIn => !isIn));
        Assert.Equal(half == 50 ? 100 : 50, outcome.Guesses);
        Assert.Equal(outcome.Guesses, outcome.Correct);
        Assert.Equal(OneRunBound.Epsilon(100, outcome.Guesses, outcome.Guesses, 0, 1 - (0.01 / 6)), outcome.Epsilon, 1e-9);
        Assert.Equal(OneRunBound.Epsilon(100, 100, 100, 0, 1 - (0.01 / 6)), outcome.Ceiling, 1e-9);
    }

    [Fact]
    public void Scores_that_say_the_opposite_refute_nothing()
    {
        var included = CanaryVectors.Coins(1000, _noise.Fill);

        Assert.Equal(0, CanaryGuesses.Judge([.. included.Select(isIn => isIn ? -1.0 : 1)], included, 1e-5, 0.9).Epsilon);
    }

    /// <summary>Randomised response answers truly with probability e^ε/(1 + e^ε) and is exactly ε-private: the hardest case of the theorem.</summary>
    [Fact]
    public void A_release_that_is_private_is_accused_no_more_often_than_allowed()
    {
        const int Audits = 1500;
        const int Canaries = 128;
        const double Confidence = 0.8;
        const double Truth = 0.75;
        var (accused, chosen) = (0, new int[Canaries]);
        for (var audit = 0; audit < Audits; audit++)
        {
            var included = CanaryVectors.Coins(Canaries, _noise.Fill);
            double[] scores = [.. included.Select(isIn => isIn ? -1.0 : 1)];
            var truthful = _noise.PoissonSample(Canaries, Truth, chosen);
            foreach (var canary in chosen.AsSpan(0, truthful))
            {
                scores[canary] *= -1;
            }

            accused += CanaryGuesses.Judge(scores, included, 0, Confidence).Epsilon > Math.Log(Truth / (1 - Truth)) ? 1 : 0;
        }

        Assert.True(accused > 0, "No audit ever came near: the test says nothing.");
        if (accused > (1 - Confidence) * Audits)
        {
            Statistics.AssertCount(accused, Audits, 1 - Confidence);
        }
    }

    [Fact]
    public void Gaussian_noise_is_not_accused_and_a_quarter_of_it_is()
    {
        const int Canaries = 4000;
        const double NoiseMultiplier = 2;
        var delta = CanaryGuesses.Delta(Canaries, 0.999);
        var epsilon = EpsilonOf(NoiseMultiplier, delta);
        var included = CanaryVectors.Coins(Canaries, _noise.Fill);
        var noise = new double[Canaries];
        _noise.Gaussian(noise, NoiseMultiplier);

        var sound = CanaryGuesses.Judge([.. included.Zip(noise, (isIn, drawn) => (isIn ? 1 : 0) + drawn)], included, delta, 1 - 1e-9);
        var broken = CanaryGuesses.Judge([.. included.Zip(noise, (isIn, drawn) => (isIn ? 1 : 0) + (drawn / 4))], included, delta, 0.999);

        Assert.True(sound.Epsilon <= epsilon, $"{sound} against {epsilon}");
        Assert.True(broken.Epsilon > epsilon, $"{broken} against {epsilon}");
    }

    /// <summary>More than 1,000 canaries can't refute: ln(m/ln(1/level)) is 5.0 at z = 1, where the ledger says 4.9 and a quarter of the noise shows 3.9.</summary>
    [Fact]
    public void A_thousand_canaries_mostly_tell_a_quarter_of_the_noise()
    {
        const int Audits = 30;
        const int Canaries = 1000;
        const double NoiseMultiplier = 1.5;
        var delta = CanaryGuesses.Delta(Canaries, 0.999);
        var (epsilon, told, noise) = (EpsilonOf(NoiseMultiplier, delta), 0, new double[Canaries]);
        for (var audit = 0; audit < Audits; audit++)
        {
            var included = CanaryVectors.Coins(Canaries, _noise.Fill);
            _noise.Gaussian(noise, NoiseMultiplier / 4);
            told += CanaryGuesses.Judge([.. included.Zip(noise, (isIn, drawn) => (isIn ? 1 : 0) + drawn)], included, delta, 0.999).Epsilon > epsilon ? 1 : 0;
        }

        Assert.InRange(told, 3 * Audits / 4, Audits);
    }

    [Fact]
    public void At_the_audits_own_delta_nearly_nothing_is_lost_to_it()
    {
        foreach (var canaries in new[] { 1000, 10_000 })
        {
            var delta = CanaryGuesses.Delta(canaries, 0.999);
            var included = CanaryVectors.Coins(canaries, _noise.Fill);
            double[] scores = [.. included.Select(isIn => isIn ? 1.0 : 0)];

            var without = CanaryGuesses.Judge(scores, included, 0, 0.999).Ceiling;
            Assert.InRange(CanaryGuesses.Judge(scores, included, delta, 0.999).Ceiling, 0.9 * without, without);
            Assert.True(CanaryGuesses.Judge(scores, included, 1e-5, 0.999).Ceiling < 0.8 * without);
        }
    }

    [Fact]
    public void What_is_no_score_is_refused()
    {
        Assert.Contains("2 scores of 3 canaries", Assert.Throws<ArgumentException>(() => CanaryGuesses.Judge([1, 2], [true, false, true], 0, 0.9)).Message);
        Assert.Throws<ArgumentException>(() => CanaryGuesses.Judge([1, double.NaN], [true, false], 0, 0.9));
        Assert.Throws<ArgumentOutOfRangeException>(() => CanaryGuesses.Judge([1], [true], 0, 0.9));
        Assert.Throws<ArgumentOutOfRangeException>(() => CanaryGuesses.Judge([1, 2], [true, false], -1, 0.9));
    }

    /// <summary>ε of one Gaussian release by its exact δ, from above.</summary>
    private static double EpsilonOf(double noiseMultiplier, double delta) => AnalyticGaussian.Epsilon(noiseMultiplier, delta);
}
