using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.Privacy;

/// <summary>Makes a run's statement of privacy from its spec and the ledger (docs/privacy.md).</summary>
public static class Guarantees
{
    /// <summary>δ where no budget says one.</summary>
    public const double AssumedDelta = 1e-5;

    /// <summary>The unit a mode's numbers are about: the stronger of the two it bounds.</summary>
    public static PrivacyUnit UnitOf(PrivacySpec privacy) => privacy.HasLocal || privacy.HasCentral ? PrivacyUnit.Client : PrivacyUnit.Example;

    /// <summary>Null for a run without privacy.</summary>
    /// <param name="spending">Of the run's clients; those in another unit are left out.</param>
    public static Guarantee? Of(RunSpec run, IReadOnlyList<ClientSpending> spending)
    {
        var privacy = run.Privacy;
        if (!privacy.IsPrivate)
        {
            return null;
        }

        var unit = UnitOf(privacy);
        var clients = spending.Where(client => client.Unit == unit && client.Charges.Count > 0).ToList();
        var most = clients.MaxBy(client => EpsilonOf(client) ?? double.PositiveInfinity);
        var (noiseMultiplier, clipNorm) = Noise(privacy);
        return new Guarantee
        {
            Mode = privacy.Mode,
            Unit = unit,
            Adjacency = $"zero-out: one {Word(unit)}'s contribution is replaced by none",
            Observer = privacy.Mode is PrivacyMode.Central or PrivacyMode.ExampleCentral
                ? "everyone who sees models and events, the other participants among them"
                : "everyone, the Aggregator included",
            TrustedParties = privacy.Mode is PrivacyMode.Central or PrivacyMode.ExampleCentral ? ["the client's own worker", "the Aggregator"] : ["the client's own worker"],
            Mechanism = Mechanism(privacy),
            NoiseMultiplier = noiseMultiplier,
            ClipNorm = clipNorm,
            Delta = most?.BudgetDelta ?? AssumedDelta,
            Alpha = most?.Alpha,
            FilterEpsilon = most is null ? null : EpsilonOf(most),
            PldEpsilon = most is null ? null : PldEpsilon(most),
            BudgetEpsilon = most?.BudgetEpsilon,
            LeastLeft = clients.Min(client => client.Left),
            Assumptions = Assumptions(run, clients),
            Protected = Protected(privacy),
            NotProtected = NotProtected(run),
        };
    }

    /// <summary>ε that the ledger's filter counts for a client; null when a charge was unbounded, or nothing was charged.</summary>
    public static double? EpsilonOf(ClientSpending client) => client is { IsUnbounded: false, Alpha: { } alpha }
        ? Pricing.EpsilonOf(client.SpentUnits, alpha, client.BudgetDelta ?? AssumedDelta)
        : null;

    private static double? PldEpsilon(ClientSpending client)
    {
        if (client.IsUnbounded)
        {
            return null;
        }

        var charged = new EventSequence(client.Charges.Select(charge => (PrivacyEvent)new RepeatedEvent(Pricing.EventOf(charge.Charge), charge.Count)));
        var bound = PldAccountant.Epsilon(charged, client.BudgetDelta ?? AssumedDelta);
        return double.IsFinite(bound.Upper) ? bound.Upper : null;
    }

    private static (double NoiseMultiplier, double ClipNorm) Noise(PrivacySpec privacy) =>
        privacy.HasLocal ? (privacy.Local!.NoiseMultiplier, privacy.Local.ClipNorm)
        : privacy.HasCentral ? (privacy.Central!.NoiseMultiplier, privacy.Central.ClipNorm)
        : (privacy.Example!.NoiseMultiplier, privacy.Example.ClipNorm);

    private static string Mechanism(PrivacySpec privacy) => privacy.Mode switch
    {
        PrivacyMode.Example => "DP-SGD: each example's gradient clipped to C, Gaussian noise with σ = zC on each step's sum, Poisson batches",
        PrivacyMode.Local => "each client's update clipped to C, Gaussian noise with σ = zC before it leaves; Δ = 2C",
        PrivacyMode.LocalCentral => "each client's update clipped to C, Gaussian noise with σ = zC before it leaves, more noise on the sum; Δ = 2C",
        _ => "updates clipped to C, discrete Gaussian noise with σ = zC on their sum, divided by the constant cohort; Δ = C",
    };

    private static List<string> Assumptions(RunSpec run, IReadOnlyList<ClientSpending> clients)
    {
        var all = new List<string>
        {
            "Enrolment, who takes part in which round, and the declared numbers of examples are public.",
            "Choosing clients for a round is not counted as protection: everyone who took part is charged in full.",
            "The ledgers belong to the data as it is split here. Another split of the same data is charged elsewhere: in a simulation budgets do not carry over.",
        };
        if (clients.Any(client => client.BudgetEpsilon is null))
        {
            all.Add($"No budget is set for every client: ε is stated at δ = {AssumedDelta:0.#####} where there is none.");
        }

        if (run.Privacy.HasLocal || run.Privacy.HasExample)
        {
            all.Add("Noise on clients is continuous and in double precision: it is not hardened against attacks on floating-point arithmetic.");
        }

        return all;
    }

    private static List<string> Protected(PrivacySpec privacy)
    {
        var all = new List<string>();
        if (privacy.HasLocal || privacy.HasCentral)
        {
            all.Add("Whether a client's data took part at all can hardly be told from the models: they would look almost the same without it, to the degree that ε says.");
        }

        if (privacy.HasExample)
        {
            all.Add("Whether a single example was in a client's data can hardly be told from anything that left the client, to the degree that ε says.");
        }

        all.Add("No training example, and nothing computed from examples without noise, was sent to anyone who is not named as trusted.");
        return all;
    }

    private static List<string> NotProtected(RunSpec run)
    {
        var all = new List<string>();
        if (run.Privacy.Mode == PrivacyMode.Example)
        {
            all.Add("What is common to many examples of one client, such as a habit of that client, can show: the client as a whole is charged as unbounded.");
        }

        if (run.Privacy.Mode is PrivacyMode.Central or PrivacyMode.ExampleCentral)
        {
            all.Add($"The Aggregator sees each client's update before {(run.Privacy.HasExample ? "the noise of the sum, though not before that of DP-SGD" : "any noise")}.");
        }

        all.Add("A person with several rows counts as several examples.");
        all.Add("When an update arrives is seen by whoever watches the network; durations are not hidden.");
        return all;
    }

    private static string Word(PrivacyUnit unit) => SpecKeys.Names(typeof(PrivacyUnit))[(int)unit];
}
