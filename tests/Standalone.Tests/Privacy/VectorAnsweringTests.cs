using System.Text.Json;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Tests.Privacy;

public sealed class VectorAnsweringTests
{
    private static readonly JsonElement[] Vectors =
        [.. JsonDocument.Parse(File.ReadAllText(Repository.File("tests", "DifferentialPrivacy.Tests", "Accounting", "vectors.json"))).RootElement.EnumerateArray()];

    public static TheoryData<string> Ids => [.. Vectors.Select(vector => vector.GetProperty("id").GetString()!)];

    /// <remarks>Of a list of two the second value counts, of three the third. What is no bound is not answered.</remarks>
    [Theory, MemberData(nameof(Ids))]
    public void Published_values_are_met(string id)
    {
        var vector = Vectors.Single(candidate => candidate.GetProperty("id").GetString() == id);
        var kind = vector.GetProperty("accountant").GetProperty("kind").GetString();

        var answer = VectorAnswering.Answer(vector);

        if (kind == "gdp_clt")
        {
            Assert.Contains("not a bound", answer.Unsupported!, StringComparison.Ordinal);
            Assert.Null(answer.Value);
            return;
        }

        Assert.Null(answer.Unsupported);
        var value = answer.Value is double[] list ? list[^1] : (double)answer.Value!;
        var accept = vector.GetProperty("accept");
        Assert.InRange(value, accept.GetProperty("min").GetDouble(), accept.GetProperty("max").GetDouble());
        if (kind is "pld" or "prv")
        {
            Assert.InRange(value, answer.Lower!.Value, answer.Upper!.Value);
        }
        else
        {
            Assert.Null(answer.Lower);
            Assert.Null(answer.Upper);
        }
    }

    [Theory]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":2},"delta":1e-5,"accountant":{"kind":"tarot"},"quantity":"epsilon"}""", "\"tarot\" is not known")]
    [InlineData("""{"mechanism":"hat","params":{},"delta":1e-5,"accountant":{"kind":"rdp"},"quantity":"epsilon"}""", "\"hat\" is not known")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":2},"delta":1e-5,"accountant":{"kind":"rdp"},"quantity":"taste"}""", "\"taste\" is not known")]
    [InlineData("""{"mechanism":"gaussian","params":{},"delta":1e-5,"accountant":{"kind":"rdp"},"quantity":"epsilon"}""", "params.noise_multiplier is missing")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":0},"delta":1e-5,"accountant":{"kind":"rdp"},"quantity":"epsilon"}""", "expected a finite number above 0")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":"2"},"delta":1e-5,"accountant":{"kind":"rdp"},"quantity":"epsilon"}""", "expected a finite number")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":2,"dropout":0.5},"delta":1e-5,"accountant":{"kind":"rdp"},"quantity":"epsilon"}""", "params.dropout is not known")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":2},"accountant":{"kind":"rdp"},"quantity":"epsilon"}""", "delta is missing")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":2},"delta":2,"accountant":{"kind":"rdp"},"quantity":"epsilon"}""", "above 0 and below 1")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":2},"delta":1e-5,"accountant":{"kind":"rdp","orders":"1:x"},"quantity":"epsilon"}""", "is not a number")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":2},"delta":1e-5,"accountant":{"kind":"rdp","conversion":"magic"},"quantity":"epsilon"}""", "\"magic\"")]
    [InlineData("""{"mechanism":"zcdp","params":{"rho":0.1},"delta":1e-5,"accountant":{"kind":"pld"},"quantity":"epsilon"}""", "no loss distribution")]
    [InlineData("""{"mechanism":"poisson_subsampled_gaussian","params":{"sampling_probability":0.1,"noise_multiplier":1,"steps":1,"neighboring":"replace_one"},"delta":1e-5,"accountant":{"kind":"pld"},"quantity":"epsilon"}""", "replace_one")]
    [InlineData("""{"mechanism":"heterogeneous_composition","params":{"events":[{"mechanism":"gaussian"}]},"delta":1e-5,"accountant":{"kind":"rdp"},"quantity":"epsilon"}""", "params.events[0].noise_multiplier is missing")]
    [InlineData("""{"mechanism":"approx_dp_black_box","params":{"epsilon_each":0.2,"delta_each":1e-6,"count":30},"delta":1e-5,"accountant":{"kind":"optimal"},"quantity":"epsilon"}""", "no finite bound")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":2},"delta":1e-5,"accountant":{"kind":"rdp"},"quantity":"epsilon_lower"}""", "certified from below")]
    [InlineData("""{"mechanism":"gaussian","params":{"noise_multiplier":2},"delta":1e-5,"accountant":{"kind":"zcdp"},"quantity":"epsilon (lower, upper)"}""", "certified from below")]
    [InlineData("""{"mechanism":"adaptive_clipping_noise_split","params":{"z":3,"sigma_b":1},"accountant":{"kind":"formula"},"quantity":"z_delta"}""", "expected a count noise above 1.5")]
    [InlineData("""{"mechanism":"gaussian","params":{"epsilon":1,"steps":10},"delta":1e-5,"accountant":{"kind":"classic"},"quantity":"sigma"}""", "params.steps is not known")]
    [InlineData("""{"mechanism":"gaussian","params":{"epsilon":1,"cohort":10},"delta":1e-5,"accountant":{"kind":"analytic_gaussian"},"quantity":"sigma"}""", "params.cohort is not known")]
    [InlineData("""{"mechanism":"gaussian","quantity":"epsilon"}""", "accountant is missing")]
    [InlineData("""{}""", "mechanism is missing")]
    [InlineData("""7""", "mechanism is missing")]
    public void What_cannot_be_answered_has_one_reason(string vector, string reason)
    {
        var answer = VectorAnswering.Answer(JsonDocument.Parse(vector).RootElement);

        Assert.Null(answer.Value);
        Assert.Contains(reason, answer.Unsupported!, StringComparison.Ordinal);
        Assert.DoesNotContain("Parameter", answer.Unsupported!, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', answer.Unsupported!);
    }

    [Fact]
    public void Other_names_of_the_same_thing_give_the_same_answer()
    {
        var expected = RdpAccountant.Epsilon(new SubsampledGaussianEvent(0.01, 1.5, 300), 1e-6, [2, 4, 8]).Value;
        foreach (var (mechanism, parameters, orders) in new[]
        {
            ("poisson_subsampled_gaussian", """{"sampling_probability":0.01,"noise_multiplier":1.5,"steps":300}""", "[2,4,8]"),
            ("dp_sgd", """{"q":0.01,"z":1.5,"steps":300,"neighboring":"zero-out"}""", "\"2,4,8\""),
            ("subsampled_gaussian", """{"batch_size":50,"dataset_size":5000,"sigma":3,"l2_sensitivity":2,"count":300}""", "\"2:2:1,4:8:4\""),
            ("heterogeneous_composition", """{"events":[{"mechanism":"dp_sgd","q":0.01,"z":1.5,"count":100},{"mechanism":"dp_sgd","params":{"q":0.01,"z":1.5,"count":200}}]}""", "[2,4,8]"),
        })
        {
            Assert.Equal(expected, Value(mechanism, parameters, $$"""{"kind":"rdp","orders":{{orders}}}""", "epsilon", "1e-6"), 1e-13);
        }
    }

    /// <summary>A noise multiplier is σ over the sensitivity under any name of the mechanism: of z = 2 and Δ = ½, σ is 1.</summary>
    [Fact]
    public void A_noise_multiplier_is_relative_to_the_sensitivity_of_discrete_noise_too()
    {
        const string Rdp = """{"kind":"rdp"}""";
        var expected = RdpAccountant.Epsilon(new GaussianEvent(2), 1e-5).Value;

        Assert.Equal(expected, Value("discrete_gaussian", """{"noise_multiplier":2,"l2_sensitivity":0.5}""", Rdp, "epsilon"), 1e-12);
        Assert.Equal(expected, Value("discrete_gaussian", """{"sigma":1,"l2_sensitivity":0.5}""", Rdp, "epsilon"), 1e-12);
        var sigma = Value("discrete_gaussian", $$"""{"integer_sensitivity":4,"target_epsilon":{{expected.ToString("R", System.Globalization.CultureInfo.InvariantCulture)}}}""", Rdp, "sigma");
        Assert.Equal(8, sigma, 1e-6);
    }

    [Fact]
    public void Classic_and_improved_conversions_and_delta_follow_the_vector()
    {
        const string Gaussian = """{"noise_multiplier":2,"epsilon":3}""";
        var classic = 0.625 + (Math.Log(1e5) / 4);

        Assert.Equal(classic, Value("gaussian", Gaussian, """{"kind":"rdp","orders":[5],"conversion":"classic: Mironov"}""", "epsilon"), 1e-14);
        Assert.Equal(Math.Exp(4 * (0.625 - 3)), Value("gaussian", Gaussian, """{"kind":"rdp","orders":[5],"conversion":"classic"}""", "delta"), 1e-14);
        Assert.Equal(0.625 + Math.Log(0.8) + ((Math.Log(1e5) - Math.Log(5)) / 4), Value("gaussian", Gaussian, """{"kind":"rdp","orders":[5],"conversion":"improved; no floor"}""", "epsilon"), 1e-14);
    }

    /// <summary>Opacus has no floor: z = 1000, q = 0.001, one step, δ = 0.1 gives −0.105 there.</summary>
    [Fact]
    public void Without_a_floor_epsilon_may_be_negative()
    {
        const string Step = """{"sampling_probability":0.001,"noise_multiplier":1000,"steps":1}""";
        const string Orders = """ "orders":"1.1:10.9:0.1,12:63:1" """;

        Assert.Equal(-0.105, Value("dp_sgd", Step, $$"""{"kind":"rdp",{{Orders}},"conversion":"improved: no floor"}""", "epsilon", "0.1"), 1e-3);
        Assert.Equal(0, Value("dp_sgd", Step, $$"""{"kind":"rdp",{{Orders}},"conversion":"improved: 0 if delta^2+expm1(-rdp)>0; floor 0"}""", "epsilon", "0.1"));
    }

    [Fact]
    public void Noise_and_steps_are_found_for_a_target()
    {
        var sigma = Value("gaussian", """{"l2_sensitivity":2,"epsilon":1}""", """{"kind":"analytic_gaussian"}""", "sigma");
        var steps = Value("dp_sgd", """{"q":0.01,"z":1.1,"target_epsilon":2}""", """{"kind":"rdp"}""", "steps");
        var multiplier = Answer("laplace", """{"count":3,"target_epsilon":2}""", """{"kind":"pld"}""", "noise_multiplier").Unsupported;

        Assert.Equal(2 * AnalyticGaussian.NoiseMultiplier(1, 1e-5), sigma, 1e-12);
        Assert.InRange(RdpAccountant.Epsilon(new SubsampledGaussianEvent(0.01, 1.1, (long)steps), 1e-5).Value, 1.99, 2);
        Assert.True(RdpAccountant.Epsilon(new SubsampledGaussianEvent(0.01, 1.1, (long)steps + 1), 1e-5).Value > 2);
        Assert.Null(multiplier);
    }

    /// <summary>The tutorials' σ at ε = 1, δ = 10⁻⁵ is 0.172 and really gives 40.8.</summary>
    [Fact]
    public void The_mistake_of_the_tutorials_shows_its_real_epsilon()
    {
        Assert.Equal(0.172, Value("tutorial_gaussian", """{"epsilon":1}""", """{"kind":"formula"}""", "sigma"), 1e-3);
        Assert.Equal(40.8, Value("tutorial_gaussian", """{"epsilon":1}""", """{"kind":"analytic_gaussian"}""", "real_epsilon"), 0.1);
        Assert.Equal(10.39, Value("gaussian", """{"sigma":0.4844805262}""", """{"kind":"analytic_gaussian"}""", "epsilon"), 0.01);
    }

    private static double Value(string mechanism, string parameters, string accountant, string quantity, string delta = "1e-5")
    {
        var answer = Answer(mechanism, parameters, accountant, quantity, delta);
        Assert.Null(answer.Unsupported);
        return (double)answer.Value!;
    }

    private static VectorAnswer Answer(string mechanism, string parameters, string accountant, string quantity, string delta = "1e-5") =>
        VectorAnswering.Answer(JsonDocument.Parse(
            $$"""{"id":"x","mechanism":"{{mechanism}}","params":{{parameters}},"delta":{{delta}},"accountant":{{accountant}},"quantity":"{{quantity}}"}""").RootElement);
}
