using System.Collections.Concurrent;
using System.Globalization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;

namespace FlEvents.DifferentialPrivacy.Plans;

/// <summary>Turns planned charges into what an account pays: whole units of 10⁻⁹ in the account's measure (privacy rules 13 to 15).</summary>
public static class Pricing
{
    /// <summary>The charge against which no finite budget holds.</summary>
    public const string Unbounded = "unbounded";

    private const int MostRemembered = 10_000;

    // No charge is taken in it: an unbounded one fixes no account's measure.
    private static readonly PrivacyMeasure UnboundedMeasure = PrivacyMeasure.Renyi(2);
    private static readonly ConcurrentDictionary<(PrivacyEvent Event, PrivacyMeasure Measure), BudgetCharge> Charges = new();
    private static readonly ConcurrentDictionary<(PrivacyEvent Event, BudgetTerms Terms), PrivacyMeasure> Measures = new();
    private static readonly ConcurrentDictionary<(long Units, PrivacyMeasure Measure, double Delta), double> Epsilons = new();

    /// <summary>The mechanism of a charge as the accountants know it.</summary>
    /// <exception cref="InvalidDataException">A parameter is missing or out of range: such a message is no request.</exception>
    public static PrivacyEvent EventOf(PrivacyCharge charge)
    {
        try
        {
            return charge.Mechanism switch
            {
                PrivacyMechanism.Unbounded => new UnboundedEvent(),
                PrivacyMechanism.Gaussian => new GaussianEvent(Needed(charge.NoiseMultiplier, "NoiseMultiplier")),
                PrivacyMechanism.SubsampledGaussian => new SubsampledGaussianEvent(
                    Needed(charge.SamplingProbability, "SamplingProbability"), Needed(charge.NoiseMultiplier, "NoiseMultiplier"), Needed(charge.Steps, "Steps")),
                _ => throw new InvalidDataException($"A charge has mechanism {charge.Mechanism}, which the accountant does not know."),
            };
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"A charge is {charge.Mechanism}. {e.Message}", e);
        }
    }

    /// <summary>What an event takes from an account.</summary>
    public static BudgetCharge ChargeOf(PrivacyEvent charged, PrivacyMeasure measure) =>
        charged is UnboundedEvent ? BudgetCharge.Unbounded : Remembered(Charges, (Event: charged, Measure: measure), key => key.Measure.Charge(key.Event));

    /// <summary>A charge as an entry stores it: whole units, or the word <see cref="Unbounded"/>.</summary>
    public static string TextOf(BudgetCharge charge) => charge.IsUnbounded ? Unbounded : charge.Units.ToString(CultureInfo.InvariantCulture);

    /// <summary>The units of a stored charge; null for an unbounded one.</summary>
    public static long? UnitsOf(string charge) => charge == Unbounded ? null : long.Parse(charge, CultureInfo.InvariantCulture);

    /// <summary>The measure of an account that is charged for the first time: that of the terms, or the order that allows the most of such charges.</summary>
    /// <param name="terms">Without a defect.</param>
    public static PrivacyMeasure MeasureOf(BudgetTerms terms, PrivacyEvent charged) => terms.Measure ?? (charged is UnboundedEvent
        ? UnboundedMeasure
        : Remembered(Measures, (Event: charged, Terms: terms), key => BudgetSpec.Propose(key.Terms.Epsilon!.Value, key.Terms.Delta!.Value, [key.Event]).Measure));

    /// <summary>ε at δ of spent units, proved in the account's own measure alone.</summary>
    public static double EpsilonOf(long units, PrivacyMeasure measure, double delta) =>
        Remembered(Epsilons, (Units: units, Measure: measure, Delta: delta), key => key.Measure.Epsilon(key.Units, key.Delta));

    // A round charges its clients alike, and a run its rounds.
    private static TValue Remembered<TKey, TValue>(ConcurrentDictionary<TKey, TValue> known, TKey key, Func<TKey, TValue> compute)
        where TKey : notnull
    {
        if (known.Count >= MostRemembered)
        {
            known.Clear();
        }

        return known.GetOrAdd(key, compute);
    }

    private static T Needed<T>(T? value, string name)
        where T : struct => value ?? throw new InvalidDataException($"A charge has no {name}; expected one for its mechanism.");
}
