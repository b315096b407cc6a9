using FlEvents.DifferentialPrivacy.Accounting;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting;

public sealed class PrivacyEventTests
{
    public static TheoryData<string> Texts =>
    [
        """{"type":"gaussian","z":1.1}""",
        """{"type":"subsampledGaussian","q":0.01,"z":1.1,"steps":100}""",
        """{"type":"truncatedSubsampledGaussian","n":1000,"q":0.05,"largestBatch":64,"z":1,"steps":100}""",
        """{"type":"fixedSizeGaussian","n":20000,"sampleSize":100,"z":1.4,"steps":800}""",
        """{"type":"laplace","b":3}""",
        """{"type":"discreteLaplace","a":1,"sensitivity":2}""",
        """{"type":"discreteGaussian","sigma":1000000.5,"sensitivity":2,"dimension":26010}""",
        """{"type":"treeGaussian","z":3,"stepsPerTree":500,"trees":4}""",
        """{"type":"epsilonDelta","epsilon":0.2,"delta":1E-09}""",
        """{"type":"zcdp","rho":0.25,"xi":0}""",
        """{"type":"unbounded"}""",
        """{"type":"repeated","count":30,"event":{"type":"laplace","b":0.1}}""",
        """{"type":"sequence","events":[{"type":"gaussian","z":2},{"type":"sequence","events":[]}]}""",
    ];

    [Theory, MemberData(nameof(Texts))]
    public void An_event_has_one_text_and_is_read_back_from_it(string text)
    {
        var read = PrivacyEventText.Read(text);

        Assert.Equal(text, PrivacyEventText.Write(read));
        Assert.Equal(read, PrivacyEventText.Read(PrivacyEventText.Write(read)));
    }

    [Fact]
    public void Spacing_and_the_order_of_members_do_not_matter() => Assert.Equal(
        new SubsampledGaussianEvent(0.5, 2, 3), PrivacyEventText.Read("""{ "steps": 3, "z": 2.0, "type": "subsampledGaussian", "q": 5e-1 }"""));

    [Theory]
    [InlineData("""{"type":"gaussian"}""", "lacks the member \"z\"")]
    [InlineData("""{"type":"gaussian","z":"1"}""", "expected a number")]
    [InlineData("""{"type":"gaussian","z":0}""", "NoiseMultiplier is 0, expected a finite number above 0")]
    [InlineData("""{"type":"gaussian","z":1e400}""", "expected a finite number")]
    [InlineData("""{"type":"gaussian","z":1,"Z":2}""", "unknown member \"Z\"")]
    [InlineData("""{"type":"gaussian","z":1,"z":2}""", "twice")]
    [InlineData("""{"type":"subsampledGaussian","q":1.5,"z":1,"steps":1}""", "SamplingRate is 1.5, expected a number from 0 to 1")]
    [InlineData("""{"type":"subsampledGaussian","q":0.5,"z":1,"steps":1.5}""", "expected a whole number")]
    [InlineData("""{"type":"guassian","z":1}""", "\"guassian\" is not a known type")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("{", "must be JSON")]
    [InlineData("""{"type":"sequence","events":[{"type":"repeated","count":0,"event":{"type":"unbounded"}}]}""", "Count is 0, expected at least 1")]
    public void What_is_no_event_is_refused_with_a_reason(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => PrivacyEventText.Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Not_a_number_is_refused_everywhere()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianEvent(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SubsampledGaussianEvent(double.NaN, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LaplaceEvent(double.PositiveInfinity));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EpsilonDeltaEvent(1, double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ZcdpEvent(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DiscreteGaussianEvent(1, double.NaN));
    }

    /// <summary>A step on a Poisson sample costs more under replace-one than what is computed, a sample of fixed size is not computed under anything else.</summary>
    [Fact]
    public void Events_for_different_neighbours_do_not_compose()
    {
        PrivacyEvent[] sampled = [new SubsampledGaussianEvent(0.1, 1), new TruncatedSubsampledGaussianEvent(100, 0.1, 20, 1), new TreeGaussianEvent(1, 4)];
        foreach (var other in sampled)
        {
            var mixed = new EventSequence(new RepeatedEvent(new FixedSizeGaussianEvent(100, 10, 1), 3), other);
            Assert.Contains("expected events for one kind of neighbours", Assert.Throws<ArgumentException>(() => EventParts.Of(mixed)).Message, StringComparison.Ordinal);
        }

        Assert.Equal(2, EventParts.Of(new EventSequence(new FixedSizeGaussianEvent(100, 10, 1), new GaussianEvent(1))).Count);
    }

    [Fact]
    public void Equal_steps_are_counted_together_whatever_they_are_wrapped_in()
    {
        var parts = EventParts.Of(new EventSequence(
            new SubsampledGaussianEvent(0.1, 2, 5),
            new RepeatedEvent(new EventSequence(new SubsampledGaussianEvent(0.1, 2), new GaussianEvent(3)), 4),
            new SubsampledGaussianEvent(0, 1, 9),
            new SubsampledGaussianEvent(1, 3, 2)));

        Assert.Equal([new EventPart(new GaussianEvent(3), 6), new EventPart(new SubsampledGaussianEvent(0.1, 2), 9)], parts);
    }

    [Fact]
    public void More_steps_than_can_be_counted_are_refused() =>
        Assert.Throws<OverflowException>(() => EventParts.Of(new RepeatedEvent(new RepeatedEvent(new GaussianEvent(1), long.MaxValue), 2)));
}
