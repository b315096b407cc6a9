using System.Globalization;
using System.IO.Enumeration;
using System.Text.Json;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Models;

namespace FlEvents.ClientWorker.Policy;

/// <summary>The owner's rules that need no books: pure functions of the policy, the command and the time.</summary>
public static class PolicyRules
{
    /// <summary>The first rule that a task breaks; null when it breaks none of these.</summary>
    public static TaskEnd? Veto(OwnerPolicy policy, TrainClient command, DateTimeOffset now) =>
        Runs(policy, command.RunName, command.Data)
        ?? Models(policy, command.Model)
        ?? Strategies(policy, command.Strategy)
        ?? Privacy(policy, OwnCharges.Of(command), command.Privacy)
        ?? Hours(policy, now);

    /// <summary>The first rule that an evaluation breaks; null when it breaks none of these.</summary>
    public static TaskEnd? Veto(OwnerPolicy policy, EvaluateModel command) =>
        (policy.Evaluation ?? policy.Privacy is null
            ? null
            : PolicyRule.Broken(PolicyRule.Evaluation, "The owner lets no model be scored on this data."))
        ?? Runs(policy, command.RunName, command.Data)
        ?? Models(policy, command.Spec);

    /// <summary>The mode that a task has by what this worker does itself, and by the Aggregator's promise where that mode trusts it.</summary>
    public static PrivacyMode ModeOf(TrainClient command) => ModeOf(OwnCharges.Of(command), command.Privacy);

    // By the worker's own charges: what costs without bound is no protection, whatever it is called.
    private static PrivacyMode ModeOf(IReadOnlyList<PrivacyCharge> own, TaskPrivacy? privacy)
    {
        var hidesClient = own.Single(charge => charge.Unit == PrivacyUnit.Client).Mechanism != PrivacyMechanism.Unbounded;
        return (hidesClient, privacy) switch
        {
            (true, { NoiseMultiplier: not null }) => PrivacyMode.Local,
            (true, { DpSgd: not null }) => PrivacyMode.ExampleCentral,
            (true, _) => PrivacyMode.Central,
            (false, { DpSgd: not null }) => PrivacyMode.Example,
            _ => PrivacyMode.None,
        };
    }

    private static TaskEnd? Runs(OwnerPolicy policy, string name, DataSpec data) =>
        policy.Runs is null || policy.Runs.Any(run => Fits(run.Name, name) && Fits(run.DataSet, data.DataSet))
            ? null
            : PolicyRule.Broken(PolicyRule.Runs, $"A run of this name may not use data set \"{data.DataSet}\".");

    private static bool Fits(string pattern, string text) => FileSystemName.MatchesSimpleExpression(pattern.Replace("\\", "\\\\", StringComparison.Ordinal), text, ignoreCase: false);

    private static TaskEnd? Models(OwnerPolicy policy, ModelSpec spec)
    {
        var kind = spec.Name switch
        {
            ModelName.Logistic => ModelKind.Logistic,
            ModelName.Mlp => ModelKind.Mlp,
            ModelName.Cnn => ModelKind.Cnn,
            _ => ModelKind.Layers,
        };
        if (policy.Models?.Kinds is { } kinds && !kinds.Contains(kind))
        {
            return PolicyRule.Broken(PolicyRule.Models, $"The model is of kind {Word(kind)}; expected {string.Join(" or ", kinds.Select(Word))}.");
        }

        return policy.Models?.MostParameters is not { } most ? null : ParametersOf(spec) switch
        {
            null => PolicyRule.Broken(PolicyRule.Models, $"The model can't be built; expected one of at most {most} parameters."),
            { } count when count > most => PolicyRule.Broken(PolicyRule.Models, $"The model has {count} parameters; expected at most {most}."),
            _ => null,
        };
    }

    private static int? ParametersOf(ModelSpec spec)
    {
        try
        {
            return Model.Create(spec).ParameterCount;
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            return null;
        }
    }

    private static TaskEnd? Strategies(OwnerPolicy policy, StrategyName strategy) => policy.Strategies is null || policy.Strategies.Contains(strategy)
        ? null
        : PolicyRule.Broken(PolicyRule.Strategies, $"The strategy is {Word(strategy)}; expected {string.Join(" or ", policy.Strategies.Select(Word))}.");

    private static TaskEnd? Privacy(OwnerPolicy policy, IReadOnlyList<PrivacyCharge> own, TaskPrivacy? privacy)
    {
        var mode = ModeOf(own, privacy);
        return policy.Privacy?.Modes is { } modes && !modes.Contains(mode)
            ? PolicyRule.Broken(PolicyRule.Modes, $"By what this worker adds itself the mode is {Word(mode)}; expected {string.Join(" or ", modes.Select(Word))}.")
            : own.Select(charge => Unit(policy.Privacy?.Of(charge.Unit), charge)).FirstOrDefault(veto => veto is not null);
    }

    private static TaskEnd? Unit(UnitDemands? demands, PrivacyCharge charge)
    {
        var isUnbounded = charge.Mechanism == PrivacyMechanism.Unbounded;
        if (demands?.SmallestNoiseMultiplier is { } smallest && (isUnbounded || !(charge.NoiseMultiplier >= smallest)))
        {
            var noise = isUnbounded ? "no noise" : string.Create(CultureInfo.InvariantCulture, $"noise of {charge.NoiseMultiplier}");
            return PolicyRule.Broken(PolicyRule.Noise, string.Create(CultureInfo.InvariantCulture, $"The task adds {noise} in the unit {Word(charge.Unit)}; expected at least {smallest}."));
        }

        if (demands?.PerRound is not { } terms)
        {
            return null;
        }

        // At the order that allows the most tasks of this kind: where it admits none, no order does.
        var charged = Pricing.EventOf(charge);
        var measure = Pricing.MeasureOf(terms, charged);
        return terms.In(measure).Admits(0, Pricing.ChargeOf(charged, measure))
            ? null
            : PolicyRule.Broken(PolicyRule.PerRound, $"The task costs more than {terms} in the unit {Word(charge.Unit)}.");
    }

    private static TaskEnd? Hours(OwnerPolicy policy, DateTimeOffset now) => policy.Hours is not { } hours || hours.Admit(now)
        ? null
        : PolicyRule.Broken(PolicyRule.Hours, $"It is {hours.LocalTime(now):HH\\:mm} in {hours.TimeZone}; training begins from {hours.From} to {hours.To}.");

    internal static string Word<T>(T value)
        where T : struct, Enum => Enum.IsDefined(value) ? JsonSerializer.SerializeToElement(value, JsonSerializerOptions.Web).GetString()! : "unknown";
}
