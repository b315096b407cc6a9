using System.Text;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.Orchestrator.Tests.RunSpecs;

public class RunSpecReaderTests
{
    [Fact]
    public void A_sound_specification_is_read_with_its_defaults()
    {
        var (spec, errors) = RunSpecReader.Read(Specs.Images);

        Assert.Empty(errors);
        Assert.Equal("digits", spec!.Name);
        Assert.Equal([1, 28, 28], spec.Model.InputShape);
        Assert.Equal(ModelName.Mlp, spec.Model.Name);
        Assert.Equal(0.1, spec.Training.LearningRate);
        Assert.Equal(1, spec.Seed);
        Assert.Equal(600, spec.Selection.DeadlineSeconds);
        Assert.Equal(LossKind.CrossEntropy, spec.Training.Loss);
    }

    [Fact]
    public void A_specification_over_columns_is_read()
    {
        var (spec, errors) = RunSpecReader.Read(Specs.Table);

        Assert.Empty(errors);
        Assert.Equal(["red", "blue"], spec!.Data.Columns![1].Categories);
    }

    [Fact]
    public void Comments_trailing_commas_and_a_byte_order_mark_are_allowed()
    {
        var text = "\uFEFF" + Specs.Images.Replace("\"rounds\": 3,", "/* three */ \"rounds\": 3, // rounds", StringComparison.Ordinal)
            .Replace("[1, 28, 28]", "[1, 28, 28,]", StringComparison.Ordinal);

        Assert.Empty(RunSpecReader.Read(text).Errors);
    }

    [Theory]
    [InlineData("training.learningRate = -1", "$.training.learningRate: expected a number in [1e-12, 1000000], got -1")]
    [InlineData("training.learningRate = 1e999", "$.training.learningRate: expected a number in [1e-12, 1000000], got 1e999")]
    [InlineData("training.learningRate = \"NaN\"", "$.training.learningRate: expected a number in [1e-12, 1000000], got \"NaN\"")]
    [InlineData("training.learningRate = null", "$.training.learningRate: expected a number in [1e-12, 1000000], got null")]
    [InlineData("training.learningRate = -", "$.training.learningRate: missing; expected a number in [1e-12, 1000000]")]
    [InlineData("training = -", "$.training: missing; expected an object")]
    [InlineData("training = 3", "$.training: expected an object, got 3")]
    [InlineData("rounds = 1.5", "$.rounds: expected a whole number in [1, 100000], got 1.5")]
    [InlineData("rounds = 99999999999", "$.rounds: expected a whole number in [1, 100000], got 99999999999")]
    [InlineData("rounds = 0", "$.rounds: expected a whole number in [1, 100000], got 0")]
    [InlineData("rounds = {\"a\": 1}", "$.rounds: expected a whole number in [1, 100000], got an object")]
    [InlineData("seed = 9007199254740992", "$.seed: expected a whole number in [0, 9007199254740991], got 9007199254740992")]
    [InlineData("name = \"\"", "$.name: expected text of 1 to 100 characters, got \"\"")]
    [InlineData("name = true", "$.name: expected text of 1 to 100 characters, got true")]
    [InlineData("data.dataSet = \"Digits\"", "$.data.dataSet: expected text of the form [a-z0-9-]{1,64}, got \"Digits\"")]
    [InlineData("data.dataSet = \"digits\\n\"", "$.data.dataSet: expected text of the form [a-z0-9-]{1,64}, got \"digits\\n\"")]
    [InlineData("training.loss = \"CrossEntropy\"", "$.training.loss: expected one of crossEntropy, binaryCrossEntropy, meanSquaredError, got \"CrossEntropy\"")]
    [InlineData("training.loss = 0", "$.training.loss: expected one of crossEntropy, binaryCrossEntropy, meanSquaredError, got 0")]
    [InlineData("selection.closeOnTarget = \"yes\"", "$.selection.closeOnTarget: expected true or false, got \"yes\"")]
    [InlineData("model.inputShape = [1, null, \"x\"]", "$.model.inputShape[1]: expected a whole number, got null", "$.model.inputShape[2]: expected a whole number, got \"x\"")]
    [InlineData("model.inputShape = 784", "$.model.inputShape: expected a list of whole numbers, got 784")]
    [InlineData("model.layers = [7]", "$.model.layers[0]: expected an object, got 7")]
    [InlineData("learningRate = 1", "$.learningRate: unknown key; known here: name, seed, rounds, model, data, training, selection, aggregation, privacy, evaluation, keepUpdates")]
    [InlineData("training.learningrate = 1", "$.training.learningrate: unknown key; did you mean \"learningRate\"?")]
    [InlineData("training.bathcSize = 1", "$.training.bathcSize: unknown key; did you mean \"batchSize\"?")]
    public void What_is_wrong_is_named_with_its_path_the_value_and_what_was_expected(string change, params string[] expected) =>
        Assert.Equal(expected, Specs.Errors(Specs.Images, change));

    [Fact]
    public void A_number_too_large_for_a_double_is_refused_where_there_is_no_range() =>
        Assert.Equal(["$.data.columns[0].mean: expected a number, got 1e999"], Specs.Errors(Specs.Table, "data.columns.0.mean = 1e999"));

    [Fact]
    public void All_errors_are_reported_at_once_in_the_order_of_the_text_and_the_rules_last()
    {
        var errors = Specs.Errors(Specs.Images, "rounds = -3", "trainin = {}", "training.momentum = 2", "selection.leaseSeconds = 700", "evaluation.everyRounds = 0");

        Assert.Equal(
            ["$.rounds", "$.training.momentum", "$.selection.leaseSeconds", "$.evaluation.everyRounds", "$.trainin"],
            errors.Select(error => error.Split(": ")[0]).Order(StringComparer.Ordinal).OrderBy(path => path switch
            {
                "$.rounds" => 0,
                "$.training.momentum" => 1,
                "$.selection.leaseSeconds" => 2,
                "$.evaluation.everyRounds" => 3,
                _ => 4,
            }));
        Assert.StartsWith("$.selection.leaseSeconds", errors[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_is_silent_about_a_value_that_is_out_of_its_range() =>
        Assert.Single(Specs.Errors(Specs.Images, "model.outputs = 0"));

    [Fact]
    public void A_key_given_twice_is_an_error() =>
        Assert.Equal(
            ["$.training.batchSize: this key is given twice"],
            RunSpecReader.Read(Specs.Images.Replace("\"batchSize\": 32", "\"batchSize\": 32, \"batchSize\": 64", StringComparison.Ordinal)).Errors.Select(e => e.ToString()));

    [Fact]
    public void Malformed_text_is_reported_with_line_and_position()
    {
        var error = Assert.Single(RunSpecReader.Read("{\n  \"name\": NaN\n}", "$.run").Errors);

        Assert.Equal("$.run", error.Path);
        Assert.StartsWith("not valid JSON at line 2, position 11: 'N' is an invalid start of a value", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_are_reported_under_the_given_root() =>
        Assert.Equal("$.run.name", RunSpecReader.Read(Specs.With(Specs.Images, "name = 1"), "$.run").Errors.Single().Path);

    [Fact]
    public void Text_that_is_too_deep_too_long_or_not_text_is_refused()
    {
        Assert.Contains("depth", Single(Encoding.UTF8.GetBytes(new string('[', 40))), StringComparison.Ordinal);
        Assert.Equal("expected at most 1048576 bytes, got 1048577", Single(new byte[SpecReader.MaximumBytes + 1]));
        Assert.Equal("expected text in UTF-8, got other bytes", Single([(byte)'"', 0xff, (byte)'"']));
        Assert.StartsWith("not valid JSON at line 1, position 1", Single([]), StringComparison.Ordinal);

        static string Single(byte[] text) => Assert.Single(RunSpecReader.Read(text).Errors).Message;
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused() =>
        Assert.Contains("surrogate", RunSpecReader.Read("""{"name": "\ud800"}""").Errors[^1].Message, StringComparison.Ordinal);

    [Fact]
    public void An_error_never_carries_control_characters_or_much_text()
    {
        var hostile = RunSpecReader.Read("{\"\\u001b[2J" + new string('k', 5000) + "\": 1, \"name\": \"\\u202e\u202e" + new string('x', 5000) + "\"}");

        Assert.All(hostile.Errors, error => Assert.DoesNotContain(error.ToString(), c => char.IsControl(c) || c == '\u202e'));
        Assert.All(hostile.Errors, error => Assert.InRange(error.ToString().Length, 1, 400));
    }

    [Fact]
    public void Whatever_the_text_reading_gives_a_specification_or_errors()
    {
        var text = Encoding.UTF8.GetBytes(Specs.Table);
        var alphabet = "{}[],:\"\\0-1e9.tfn \n/"u8.ToArray();
        Prop.ForAll(
            Gen.Choose(0, text.Length - 1).Zip(Gen.Choose(0, alphabet.Length - 1)).ListOf(3).ToArbitrary(),
            edits =>
            {
                var changed = text.ToArray();
                foreach (var (at, with) in edits)
                {
                    changed[at] = alphabet[with];
                }

                var (spec, errors) = RunSpecReader.Read(changed);
                return spec is null != (errors.Count == 0);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithReplay(7, 11));
    }
}
