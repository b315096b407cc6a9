using System.Collections.Concurrent;
using System.Globalization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Plans;

/// <summary>Turns planned charges into what an account pays: whole units of 10⁻⁹ at the account's Rényi order (privacy rules 13 to 15).</summary>
public static class Pricing
{
    /// <summary>The charge against which no finite budget holds.</summary>
    public const string Unbounded = "unbounded";

    private const int MostRemembered = 10_000;

    // No charge is taken at it: an unbounded one fixes no account's order.
    private const double UnboundedOrder = 2;
    private static readonly ConcurrentDictionary<(PrivacyEvent Event, double Alpha), long?> Charges = new();
    private static readonly ConcurrentDictionary<(PrivacyEvent Event, BudgetTerms Terms), double> Orders = new();

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

    /// <summary>The charge as an entry stores it: whole units at α rounded up, or the word <see cref="Unbounded"/>.</summary>
    public static string TextOf(PrivacyEvent charged, double alpha) => charged is UnboundedEvent
        ? Unbounded
        : Remembered(Charges, (charged, alpha), ((PrivacyEvent Event, double Alpha) key) => Units(key.Event, key.Alpha))?.ToString(CultureInfo.InvariantCulture) ?? Unbounded;

    /// <summary>The units of a stored charge; null for an unbounded one.</summary>
    public static long? UnitsOf(string charge) => charge == Unbounded ? null : long.Parse(charge, CultureInfo.InvariantCulture);

    /// <summary>The order of an account that is charged for the first time.</summary>
    public static double OrderOf(BudgetTerms terms, PrivacyEvent charged) =>
        terms.Alpha ?? (charged is UnboundedEvent ? UnboundedOrder : Remembered(Orders, (charged, terms), ((PrivacyEvent Event, BudgetTerms Terms) key) => BudgetSpec.Propose(key.Terms.Epsilon, key.Terms.Delta, [key.Event]).Alpha));

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

    /// <summary>ε at δ of spent units, proved at the account's own order alone.</summary>
    public static double EpsilonOf(long units, double alpha, double delta) =>
        units == 0 ? 0 : Math.Max(0, RdpConversion.Improved.Epsilon(alpha, units / PrivacyBudget.UnitsPerOne, delta));

    // What an event costs depends on the order alone: any ε and δ will do.
    private static long? Units(PrivacyEvent charged, double alpha) =>
        new BudgetSpec(Epsilon: 1, Delta: 0.5, alpha).Charge(charged) is { IsUnbounded: false } charge ? charge.Units : null;

    private static T Needed<T>(T? value, string name)
        where T : struct => value ?? throw new InvalidDataException($"A charge has no {name}; expected one for its mechanism.");
}
