using System.Globalization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.ClientWorker.Policy;

/// <summary>What the owner of the data lets runs do with it, whatever the server says. What is absent forbids nothing.</summary>
public sealed record OwnerPolicy
{
    /// <summary>Forbids nothing.</summary>
    public static OwnerPolicy Open { get; } = new();

    /// <summary>Runs that may use the data: one entry that fits is enough.</summary>
    public IReadOnlyList<AllowedRun>? Runs { get; init; }

    public AllowedModels? Models { get; init; }

    /// <summary>Strategies by which updates may be combined.</summary>
    public IReadOnlyList<StrategyName>? Strategies { get; init; }

    public PrivacyDemands? Privacy { get; init; }

    /// <summary>When training may begin; one that has begun may end later.</summary>
    public TrainingHours? Hours { get; init; }

    public DailyBytes? BytesPerDay { get; init; }

    /// <summary>Whether models may be scored on the data. Without it, where <see cref="Privacy"/> asks for nothing: scores are not noised.</summary>
    public bool? Evaluation { get; init; }

    /// <summary>Everything that is wrong with the values, each a sentence.</summary>
    public IEnumerable<string> Check()
    {
        foreach (var error in CheckLists())
        {
            yield return error;
        }

        // Annotations do not speak of a list's elements.
        if (Runs?.Any(run => run is null) == true)
        {
            yield return "runs has a null: expected objects with name or dataSet.";
        }

        if (Models?.MostParameters is < 1)
        {
            yield return $"models.mostParameters is {Models.MostParameters}: it must be at least 1.";
        }

        foreach (var error in Privacy?.Check() ?? [])
        {
            yield return error;
        }

        foreach (var error in Hours?.Check() ?? [])
        {
            yield return error;
        }

        foreach (var (name, bytes) in new[] { ("sent", BytesPerDay?.Sent), ("received", BytesPerDay?.Received) })
        {
            if (bytes < 0)
            {
                yield return $"bytesPerDay.{name} is {bytes}: it must be at least 0.";
            }
        }
    }

    // An empty list could be meant either way.
    private IEnumerable<string> CheckLists() =>
        from list in new (string Name, int? Count)[]
        {
            ("runs", Runs?.Count), ("models.kinds", Models?.Kinds?.Count), ("strategies", Strategies?.Count), ("privacy.modes", Privacy?.Modes?.Count),
        }
        where list.Count == 0
        select $"{list.Name} is empty: name what is allowed, or leave it out to allow all.";
}

/// <summary>A run that may use the data.</summary>
public sealed record AllowedRun
{
    /// <summary>The run's name, where <c>*</c> stands for any text and <c>?</c> for any one character.</summary>
    public string Name { get; init; } = "*";

    /// <summary>The data set that it may use, as a pattern of the same kind.</summary>
    public string DataSet { get; init; } = "*";
}

public sealed record AllowedModels
{
    public IReadOnlyList<ModelKind>? Kinds { get; init; }

    /// <summary>Largest number of parameters, as the worker counts them; at least 1.</summary>
    public long? MostParameters { get; init; }
}

/// <summary>A named model, or one that a run gives layer by layer.</summary>
[System.Text.Json.Serialization.JsonConverter(typeof(CamelCaseEnumConverter<ModelKind>))]
public enum ModelKind
{
    Logistic,
    Mlp,
    Cnn,
    Layers,
}

/// <summary>The least privacy that a task must give, judged by what this worker will itself clip and noise.</summary>
public sealed record PrivacyDemands
{
    /// <summary>Modes as the worker sees them: <c>local+central</c> is <c>local</c> to it.</summary>
    public IReadOnlyList<PrivacyMode>? Modes { get; init; }

    public UnitDemands? Example { get; init; }

    public UnitDemands? Client { get; init; }

    public UnitDemands? Of(PrivacyUnit unit) => unit == PrivacyUnit.Example ? Example : Client;

    internal bool HasLimit => Example?.InAll is not null || Client?.InAll is not null;

    internal IEnumerable<string> Check()
    {
        if (Modes?.Contains(PrivacyMode.LocalCentral) == true)
        {
            yield return "privacy.modes has local+central: a worker sees its own noise alone; name local.";
        }

        foreach (var (name, unit) in new[] { ("example", Example), ("client", Client) })
        {
            if (unit?.SmallestNoiseMultiplier is { } z && !(z > 0 && double.IsFinite(z)))
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"privacy.{name}.smallestNoiseMultiplier is {z}: it must be finite and above 0.");
            }

            foreach (var (limit, terms) in new[] { ("perRound", unit?.PerRound), ("inAll", unit?.InAll) })
            {
                if (terms?.Defect is { } defect)
                {
                    yield return $"privacy.{name}.{limit}: {defect}";
                }
            }
        }
    }
}

/// <summary>What is asked in one privacy unit.</summary>
public sealed record UnitDemands
{
    /// <summary>Smallest σ of the noise, in multiples of what one unit can change: z of DP-SGD in the example unit, z/2 of an update noised here.</summary>
    public double? SmallestNoiseMultiplier { get; init; }

    /// <summary>The most that one task may cost: ε at δ, or ρ.</summary>
    public BudgetTerms? PerRound { get; init; }

    /// <summary>The most that each client's part of each data set may spend, over all runs.</summary>
    public BudgetTerms? InAll { get; init; }
}

/// <summary>Bytes of one UTC day, of all the worker's clients together; at least 0.</summary>
public sealed record DailyBytes
{
    /// <summary>Of updates.</summary>
    public long? Sent { get; init; }

    /// <summary>Of models.</summary>
    public long? Received { get; init; }
}
