using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.Privacy;

/// <summary>Makes a run's statement of privacy from its spec and the ledger (docs/privacy.md).</summary>
public static class Guarantees
{
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
            UnitText = UnitText(unit, run.Data),
            Adjacency = unit == PrivacyUnit.Example && RowsOf(run.Data) is { } rows
                ? $"zero-out: the contribution of {rows} is replaced by none"
                : $"zero-out: one {Word(unit)}'s contribution is replaced by none",
            Observer = privacy.Mode is PrivacyMode.Central or PrivacyMode.ExampleCentral
                ? "everyone who sees models and events, the other participants among them"
                : "everyone, the Aggregator included",
            TrustedParties = privacy.Mode is PrivacyMode.Central or PrivacyMode.ExampleCentral ? ["the client's own worker", "the Aggregator"] : ["the client's own worker"],
            Mechanism = Mechanism(privacy, run.Data),
            NoiseMultiplier = noiseMultiplier,
            ClipNorm = clipNorm,
            Delta = DeltaOf(most),
            Alpha = most?.Measure?.Order,
            Measure = most?.Measure?.Word,
            FilterEpsilon = most is null ? null : EpsilonOf(most),
            PldEpsilon = most is null ? null : PldEpsilon(most, charge => charge),
            PublicEpsilon = most is null || privacy.Mode != PrivacyMode.LocalCentral ? null : PldEpsilon(most, charge => Public(run, charge)),
            BudgetEpsilon = most?.Budget?.Epsilon,
            BudgetRho = most?.Budget?.Rho,
            LeastLeft = clients.Min(client => client.Budget?.Left),
            Assumptions = Assumptions(run, clients),
            Protected = Protected(privacy, run.Data),
            NotProtected = NotProtected(run),
        };
    }

    /// <summary>ε that the ledger's filter counts for a client; null when a charge was unbounded, or nothing was charged.</summary>
    public static double? EpsilonOf(ClientSpending client) => client is { IsUnbounded: false, Measure: { } measure }
        ? Pricing.EpsilonOf(client.SpentUnits, measure, DeltaOf(client))
        : null;

    /// <summary>δ at which a client's ε is stated: the budget's, or the one that is taken where none says any.</summary>
    public static double DeltaOf(ClientSpending? client) => client?.Budget?.Delta ?? BudgetTerms.Assumed.ShownDelta;

    // A participant sees the sum: of the client's own noise and the Aggregator's, least in the last round. The other clients' noise is not counted: they may
    // have left it out.
    private static PrivacyCharge Public(RunSpec run, PrivacyCharge charge) => charge.NoiseMultiplier is not { } z ? charge : charge with
    {
        NoiseMultiplier = Math.Sqrt((z * z) + Math.Pow(PrivacyPlan.CentralNoiseMultiplier(run.Privacy.Central!, run.Rounds) / PrivacyPlan.ReplacedUpdate, 2)),
    };

    private static double? PldEpsilon(ClientSpending client, Func<PrivacyCharge, PrivacyCharge> seen)
    {
        if (client.IsUnbounded)
        {
            return null;
        }

        var charged = new EventSequence(client.Charges.Select(charge => (PrivacyEvent)new RepeatedEvent(Pricing.EventOf(seen(charge.Charge)), charge.Count)));
        var bound = PldAccountant.Epsilon(charged, DeltaOf(client));
        return double.IsFinite(bound.Upper) ? bound.Upper : null;
    }

    private static (double NoiseMultiplier, double ClipNorm) Noise(PrivacySpec privacy) =>
        privacy.HasLocal ? (privacy.Local!.NoiseMultiplier, privacy.Local.ClipNorm)
        : privacy.HasCentral ? (privacy.Central!.NoiseMultiplier, privacy.Central.ClipNorm)
        : (privacy.Example!.NoiseMultiplier, privacy.Example.ClipNorm);

    /// <summary>A unit in words: the example unit is a row, or all rows of one person or the like.</summary>
    public static string UnitText(PrivacyUnit unit, DataSpec data) => unit == PrivacyUnit.Example && RowsOf(data) is { } rows ? rows : $"each {Word(unit)}";

    private static string? RowsOf(DataSpec data) => data.PrivacyUnitColumn is { } column ? $"all rows with one value of \"{column}\"" : null;

    private static string Mechanism(PrivacySpec privacy, DataSpec data) => privacy.Mode switch
    {
        PrivacyMode.Example when RowsOf(data) is { } rows =>
            $"DP-SGD: the mean gradient of {rows} clipped to C, Gaussian noise with σ = zC on each step's sum, Poisson batches of such units",
        PrivacyMode.Example => "DP-SGD: each example's gradient clipped to C, Gaussian noise with σ = zC on each step's sum, Poisson batches",
        PrivacyMode.Local => "each client's update clipped to C, Gaussian noise with σ = zC before it leaves; Δ = 2C",
        PrivacyMode.LocalCentral => "each client's update clipped to C, Gaussian noise with σ = zC before it leaves, more noise on the sum; Δ = 2C",
        _ => "updates clipped to C, discrete Gaussian noise with σ = zC on their sum, divided by the constant cohort; Δ = C",
    };

    private static List<string> Assumptions(RunSpec run, IReadOnlyList<ClientSpending> clients)
    {
        var all = new List<string>
        {
            $"Enrolment, who takes part in which round, and the declared numbers of {(run.Data.PrivacyUnitColumn is null ? "examples" : "privacy units")} are public.",
            "Choosing clients for a round is not counted as protection: everyone who took part is charged in full.",
            "The ledgers belong to the data as it is split here. Another split of the same data is charged elsewhere: in a simulation budgets do not carry over.",
        };
        if (run.Privacy.Central?.Adaptive is { } adaptive && run.Privacy.HasCentral)
        {
            all.Add($"C follows the quantile {adaptive.Quantile:0.##} of the updates' norms. The noised count this takes is inside the charge: C is public.");
        }

        if ((run.Privacy.Example?.NoiseByExamples ?? run.Privacy.Local?.NoiseByExamples) is { Count: > 0 } steps)
        {
            all.Add("Clients with more declared examples have less noise and are charged a larger ε: "
                + string.Join(", ", steps.Select(step => $"z = {step.NoiseMultiplier:0.####} from {step.Examples:N0} examples on")) + ".");
        }

        if (clients.Any(client => client.Budget is null))
        {
            all.Add($"No budget is set for every client: ε is stated at δ = {BudgetTerms.Assumed.ShownDelta:0.#####} where there is none.");
        }

        if (run.Privacy.HasLocal || run.Privacy.HasExample)
        {
            all.Add("Noise on clients is continuous and in double precision: it is not hardened against attacks on floating-point arithmetic.");
        }

        return all;
    }

    private static List<string> Protected(PrivacySpec privacy, DataSpec data)
    {
        var all = new List<string>();
        if (privacy.HasLocal || privacy.HasCentral)
        {
            all.Add("Whether a client's data took part at all can hardly be told from the models: they would look almost the same without it, to the degree that ε says.");
        }

        if (privacy.HasExample)
        {
            all.Add(data.PrivacyUnitColumn is { } column
                ? $"Whether a client's data had rows with a certain value of \"{column}\", however many, can hardly be told from anything that left the client, to the degree that ε says."
                : "Whether a single example was in a client's data can hardly be told from anything that left the client, to the degree that ε says.");
        }

        all.Add("No training example, and nothing computed from examples without noise, was sent to anyone who is not named as trusted.");
        return all;
    }

    private static List<string> NotProtected(RunSpec run)
    {
        var all = new List<string>();
        if (run.Privacy.Mode == PrivacyMode.Example)
        {
            all.Add($"What is common to many {(run.Data.PrivacyUnitColumn is null ? "examples" : "privacy units")} of one client, such as a habit of that client, can show: the client as a whole is charged as unbounded.");
        }

        if (run.Privacy.Mode is PrivacyMode.Central or PrivacyMode.ExampleCentral)
        {
            all.Add($"The Aggregator sees each client's update before {(run.Privacy.HasExample ? "the noise of the sum, though not before that of DP-SGD" : "any noise")}.");
        }

        all.Add(run.Data.PrivacyUnitColumn is { } column
            ? $"A person counts as several where it has several values of \"{column}\", or rows with several clients."
            : "A person with several rows counts as several examples: what is promised for one example is not promised for that person.");
        all.Add("When an update arrives is seen by whoever watches the network; durations are not hidden.");
        return all;
    }

    private static string Word(PrivacyUnit unit) => SpecKeys.Names(typeof(PrivacyUnit))[(int)unit];
}
