using System.Text;
using FlEvents.ClientWorker.Policy;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Tests.Policy;

/// <summary>Each rule at its boundary.</summary>
public class PolicyRulesTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 15, 12, 0, 0, TimeSpan.Zero);

    // P = 784·10 + 10.
    private static readonly TrainClient Plain = Commands.Train("ward-000000");

    private static readonly TrainClient Local = Plain with { Privacy = new TaskPrivacy { DpSgd = null, ClipNorm = 1, NoiseMultiplier = 4 } };

    private static readonly TrainClient Example = Plain with
    {
        Privacy = new TaskPrivacy
        {
            DpSgd = new DpSgdTask { SamplingProbability = 0.1, Steps = 20, ClipNorm = 1, NoiseMultiplier = 1.5, DeclaredExamples = 40 },
            ClipNorm = null,
            NoiseMultiplier = null,
        },
    };

    private static readonly TrainClient Central = Plain with
    {
        Privacy = new TaskPrivacy { DpSgd = null, ClipNorm = 1, NoiseMultiplier = null },
        Charges = [.. Enum.GetValues<PrivacyUnit>().Select(unit => new PrivacyCharge { Unit = unit, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = 2 })],
    };

    [Fact]
    public void Without_a_policy_nothing_is_forbidden()
    {
        Assert.All([Plain, Local, Example, Central], command => Assert.Null(PolicyRules.Veto(OwnerPolicy.Open, command, Noon)));
        Assert.Null(PolicyRules.Veto(OwnerPolicy.Open, Commands.Evaluate("ward-000000")));
        Assert.Null(BrokenBy("{}", Plain));
    }

    [Theory]
    [InlineData("ward study", "digits", null)]
    [InlineData("ward *", "*", null)]
    [InlineData("????*study", "digit?", null)]
    [InlineData("ward", "*", "runs")]
    [InlineData("Ward study", "*", "runs")]
    [InlineData("ward study", "digit", "runs")]
    [InlineData("ward study?", "*", "runs")]
    public void A_run_needs_a_name_and_a_data_set_that_one_entry_allows_together(string name, string dataSet, string? broken)
    {
        var policy = $$"""{ "runs": [{ "name": "nobody" }, { "name": "{{name}}", "dataSet": "{{dataSet}}" }, { "name": "other", "dataSet": "digits" }] }""";
        Assert.Equal(broken, BrokenBy(policy, Plain));
        Assert.Equal(broken, PolicyRules.Veto(Read(policy), Commands.Evaluate("ward-000000"))?.Rule);
    }

    [Theory]
    [InlineData("""{ "kinds": ["logistic"] }""", null)]
    [InlineData("""{ "kinds": ["mlp", "cnn", "layers"] }""", "models")]
    [InlineData("""{ "mostParameters": 7850 }""", null)]
    [InlineData("""{ "mostParameters": 7849 }""", "models")]
    public void A_model_is_of_an_allowed_kind_and_no_larger_than_allowed(string models, string? broken)
    {
        Assert.Equal(broken, BrokenBy($$"""{ "models": {{models}} }""", Plain));
        Assert.Equal(broken, PolicyRules.Veto(Read($$"""{ "models": {{models}} }"""), Commands.Evaluate("ward-000000"))?.Rule);
    }

    [Fact]
    public void A_model_that_cannot_be_built_is_not_small_enough() =>
        Assert.Equal("models", BrokenBy("""{ "models": { "mostParameters": 1000000 } }""", Plain with { Model = new ModelSpec { InputShape = [0], Outputs = 1 } }));

    [Fact]
    public void A_strategy_that_is_not_named_is_refused()
    {
        Assert.Null(BrokenBy("""{ "strategies": ["fedAvg"] }""", Plain));
        Assert.Equal("strategies", BrokenBy("""{ "strategies": ["fedAvg"] }""", Plain with { Strategy = (StrategyName)99 }));
    }

    [Fact]
    public void The_mode_is_what_the_worker_adds_itself_and_not_what_it_is_told()
    {
        Assert.Equal(PrivacyMode.None, PolicyRules.ModeOf(Plain));
        Assert.Equal(PrivacyMode.Local, PolicyRules.ModeOf(Local));
        Assert.Equal(PrivacyMode.Example, PolicyRules.ModeOf(Example));
        Assert.Equal(PrivacyMode.Central, PolicyRules.ModeOf(Central));
        Assert.Equal(PrivacyMode.ExampleCentral, PolicyRules.ModeOf(Example with { Charges = Central.Charges, Privacy = Example.Privacy! with { ClipNorm = 1 } }));

        // Charges that no noise of this worker stands behind, and noise that has no norm to be a multiple of, are none.
        Assert.Equal(PrivacyMode.None, PolicyRules.ModeOf(Plain with { Charges = Central.Charges }));
        Assert.Equal(PrivacyMode.None, PolicyRules.ModeOf(Local with { Charges = Central.Charges, Privacy = Local.Privacy! with { ClipNorm = null } }));
        Assert.Null(BrokenBy("""{ "privacy": { "modes": ["local"] } }""", Local));
        Assert.Equal("modes", BrokenBy("""{ "privacy": { "modes": ["local", "example"] } }""", Plain with { Charges = Central.Charges }));
    }

    // DP-SGD with z = 1.5 counts as it is, a noised update with z = 4 as 2: two updates differ by up to 2C.
    [Theory]
    [InlineData("example", 1.5, null)]
    [InlineData("example", 1.5000001, "noise")]
    [InlineData("client", 1, "noise")]
    public void The_noise_of_private_training_has_a_least_multiplier_in_the_example_unit(string unit, double least, string? broken) =>
        Assert.Equal(broken, BrokenBy($$"""{ "privacy": { "{{unit}}": { "smallestNoiseMultiplier": {{least}} } } }""", Example));

    [Theory]
    [InlineData("example", 2, null)]
    [InlineData("client", 2, null)]
    [InlineData("client", 2.0000001, "noise")]
    public void The_noise_of_an_update_has_a_least_multiplier_of_what_a_unit_can_change(string unit, double least, string? broken)
    {
        var policy = $$"""{ "privacy": { "{{unit}}": { "smallestNoiseMultiplier": {{least}} } } }""";
        Assert.Equal(broken, BrokenBy(policy, Local));
        Assert.Equal("noise", BrokenBy(policy, Plain));
        Assert.Equal("noise", BrokenBy(policy, Local with { Privacy = Local.Privacy! with { ClipNorm = null } }));
    }

    // ρ = 1/(2·2²) = 0.125; at order 8 the task costs 8·0.125 = 1, and ε = 1 + ln(7/8) − ln(8·10⁻⁵)/7 (the improved conversion).
    [Theory]
    [InlineData("""{ "rho": 0.1251 }""", null)]
    [InlineData("""{ "rho": 0.1249 }""", "per_round")]
    [InlineData("""{ "epsilon": 2.2142, "delta": 1e-5, "alpha": 8 }""", null)]
    [InlineData("""{ "epsilon": 2.2140, "delta": 1e-5, "alpha": 8 }""", "per_round")]
    public void A_task_costs_no_more_than_the_owner_allows_for_one(string terms, string? broken)
    {
        var policy = $$"""{ "privacy": { "client": { "perRound": {{terms}} } } }""";
        Assert.Equal(broken, BrokenBy(policy, Local));
        Assert.Equal("per_round", BrokenBy(policy, Plain));
    }

    [Fact]
    public void Scores_are_not_noised_so_where_privacy_is_asked_for_they_must_be_allowed_by_name()
    {
        var command = Commands.Evaluate("ward-000000");
        const string Privacy = """ "privacy": { "modes": ["none"] } """;
        Assert.Null(PolicyRules.Veto(Read("{}"), command));
        Assert.Equal("evaluation", PolicyRules.Veto(Read("""{ "evaluation": false }"""), command)?.Rule);
        Assert.Equal("evaluation", PolicyRules.Veto(Read($"{{ {Privacy} }}"), command)?.Rule);
        Assert.Null(PolicyRules.Veto(Read($$"""{ {{Privacy}}, "evaluation": true }"""), command));
    }

    [Fact]
    public void A_refusal_names_its_rule_and_no_data()
    {
        var veto = PolicyRules.Veto(Read("""{ "privacy": { "client": { "smallestNoiseMultiplier": 3 } } }"""), Local, Noon)!;
        Assert.Equal((RefusalCode.OwnerPolicy, "Rule noise: The task adds noise of 2 in the unit client; expected at least 3."), (veto.ReasonCode, veto.Detail));
    }

    private static string? BrokenBy(string policy, TrainClient command) => PolicyRules.Veto(Read(policy), command, Noon)?.Rule;

    private static OwnerPolicy Read(string json)
    {
        var (policy, errors) = PolicyReader.Read(Encoding.UTF8.GetBytes(json));
        Assert.Empty(errors);
        return policy!;
    }
}
