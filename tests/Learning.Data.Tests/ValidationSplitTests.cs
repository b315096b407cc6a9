using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.Learning.Data.Tests;

public class ValidationSplitTests
{
    [Theory]
    [InlineData(100, 0.29, 29)]
    [InlineData(100, 0.1, 10)]
    [InlineData(19, 0.1, 1)]
    [InlineData(9, 0.1, 0)]
    [InlineData(100, 0, 0)]
    [InlineData(1, 0.9, 0)]
    [InlineData(10, 0.99999999999999989, 9)]
    public void The_share_is_rounded_down_and_one_example_stays_for_training(int count, double fraction, int expected)
    {
        var (training, validation) = ValidationSplit.Split(count, fraction, seed: 1, "client-1");

        Assert.Equal((count - expected, expected), (training.Length, validation.Length));
    }

    [Fact]
    public void Each_example_is_on_one_side_in_ascending_order() =>
        Prop.ForAll(
            (from count in Gen.Choose(1, 500) from percent in Gen.Choose(0, 99) from seed in Gen.Choose(0, 1000) select (count, percent, seed)).ToArbitrary(),
            c =>
            {
                var (training, validation) = ValidationSplit.Split(c.count, c.percent / 100.0, c.seed, "a");
                return validation.Length == c.count * c.percent / 100
                    && training.SequenceEqual(training.Order())
                    && validation.SequenceEqual(validation.Order())
                    && training.Concat(validation).Order().SequenceEqual(Enumerable.Range(0, c.count));
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_draw_depends_on_seed_and_client_and_on_nothing_else()
    {
        Assert.Equal([0, 1, 3, 5, 6, 11, 12, 19, 27], ValidationSplit.Split(30, 0.3, 1, "client-1").Validation);
        Assert.NotEqual(ValidationSplit.Split(30, 0.3, 1, "client-1").Validation, ValidationSplit.Split(30, 0.3, 1, "client-2").Validation);
        Assert.NotEqual(ValidationSplit.Split(30, 0.3, 1, "client-1").Validation, ValidationSplit.Split(30, 0.3, 2, "client-1").Validation);
    }

    [Theory, InlineData(0, 0.1), InlineData(10, 1.0), InlineData(10, -0.1), InlineData(10, double.NaN)]
    public void Values_out_of_range_are_refused(int count, double fraction) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ValidationSplit.Split(count, fraction, 1, "a"));
}
