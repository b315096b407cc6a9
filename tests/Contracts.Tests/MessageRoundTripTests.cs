using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.Contracts.Tests;

public sealed class MessageRoundTripTests
{
    public static TheoryData<string> Messages => [.. ContractTypes.Messages.Select(message => message.Name)];

    [Theory, MemberData(nameof(Messages))]
    public void A_filled_message_comes_back_as_it_was(string name) => AssertComesBack(Sample.Of(Message(name)));

    [Theory, MemberData(nameof(Messages))]
    public void A_message_without_its_optional_values_comes_back_as_it_was(string name) => AssertComesBack(Sample.WithoutOptional(Message(name)));

    [Theory, MemberData(nameof(Messages))]
    public void A_property_that_a_reader_does_not_know_is_ignored(string name)
    {
        var body = JsonNode.Parse(Write(Sample.Of(Message(name))))!.AsObject();
        body["addedLater"] = new JsonObject { ["value"] = 1 };

        Assert.Equivalent(Sample.Of(Message(name)), JsonSerializer.Deserialize(body, Message(name), ContractTypes.Json), strict: true);
    }

    [Theory, MemberData(nameof(Messages))]
    public void A_required_property_that_is_missing_is_an_error_that_names_it(string name)
    {
        var body = JsonNode.Parse(Write(Sample.Of(Message(name))))!.AsObject();
        var first = body.First().Key;
        body.Remove(first);

        var error = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(body, Message(name), ContractTypes.Json));

        Assert.Contains(first, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Doubles_come_back_bit_for_bit()
    {
        var bits = Gen.Choose(int.MinValue, int.MaxValue).Two().Select(halves => ((long)halves.Item1 << 32) | (uint)halves.Item2);
        var finite = bits.Select(BitConverter.Int64BitsToDouble).Where(double.IsFinite).ToArbitrary();

        Prop.ForAll(finite, ComesBack).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Theory, InlineData(-0.0), InlineData(double.Epsilon), InlineData(double.MaxValue), InlineData(double.MinValue), InlineData(0.1 + 0.2)]
    public void Doubles_at_the_ends_of_the_range_come_back_bit_for_bit(double value) => Assert.True(ComesBack(value));

    [Theory, InlineData(double.NaN), InlineData(double.PositiveInfinity), InlineData(double.NegativeInfinity)]
    public void A_double_that_is_not_finite_is_refused_when_written(double value) =>
        Assert.Throws<ArgumentException>(() => Write(Evaluation(value)));

    private static Type Message(string name) => ContractTypes.Messages.Single(message => message.Name == name);

    private static string Write(object message) => JsonSerializer.Serialize(message, message.GetType(), ContractTypes.Json);

    private static void AssertComesBack(object message)
    {
        var text = Write(message);
        var copy = JsonSerializer.Deserialize(text, message.GetType(), ContractTypes.Json);

        Assert.Equivalent(message, copy, strict: true);
        Assert.Equal(text, Write(copy!));
    }

    private static ModelEvaluation Evaluation(double value) =>
        new() { ExampleCount = 1, Loss = value, Accuracy = value, PerClassAccuracy = [value, null], Auc = null, MeanAbsoluteError = null };

    private static bool ComesBack(double value)
    {
        var copy = JsonSerializer.Deserialize<ModelEvaluation>(Write(Evaluation(value)), ContractTypes.Json)!;
        var bits = BitConverter.DoubleToInt64Bits(value);
        return BitConverter.DoubleToInt64Bits(copy.Loss) == bits
            && BitConverter.DoubleToInt64Bits(copy.Accuracy!.Value) == bits
            && BitConverter.DoubleToInt64Bits(copy.PerClassAccuracy![0]!.Value) == bits;
    }
}
