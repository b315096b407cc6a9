using System.Security.Cryptography;
using System.Text;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Rounds;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.Explorer.Tests.Worlds;

/// <summary>What is explored: runs, clients, budgets, and how many faults may happen on one path.</summary>
internal sealed record Scenario
{
    public const int ParameterCount = 10;
    public const int DeclaredExamples = 50;
    public static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    public required string Name { get; init; }

    public required IReadOnlyList<RunSpec> Runs { get; init; }

    public required int Clients { get; init; }

    public LedgerPolicy Policy { get; init; } = new();

    /// <summary>Whether two workers share one queue for all clients, or each client has a queue and a worker of its own.</summary>
    public bool IsPool { get; init; } = true;

    /// <summary>Tasks that a queue holds at once.</summary>
    public int QueueLength { get; init; } = 100;

    /// <summary>Whether what nothing can depend on any more is taken away, so that fewer worlds are left: worth its price where all are visited.</summary>
    public bool IsSettled { get; init; } = true;

    public int Duplicates { get; init; } = 1;

    public int AggregatorCrashes { get; init; } = 1;

    public int WorkerCrashes { get; init; } = 1;

    public int Expiries { get; init; } = 1;

    /// <summary>Every task that may ever be: run, round and client in order.</summary>
    public IReadOnlyList<Guid> Reservations =>
    [
        .. from run in Enumerable.Range(0, Runs.Count)
           from round in Enumerable.Range(1, Runs[run].Rounds)
           from client in Enumerable.Range(0, Clients)
           select ReservationId.Of(RunId(run), round, ClientId(client), attempt: 1),
    ];

    public IReadOnlyList<EligibleClient> EligibleClients => [.. Enumerable.Range(0, Clients).Select(Eligible)];

    public override string ToString() =>
        $"{Name}{(IsPool ? "" : ", silos")}{(QueueLength == 1 ? ", one task at a time" : "")}; {Duplicates} duplicates, {AggregatorCrashes} + {WorkerCrashes} crashes, {Expiries} expiries";

    public static Guid RunId(int run) => new($"00000000-0000-4000-8000-00000000000{run + 1}");

    public static string ClientId(int client) => $"ward-00000{client}";

    public static DateTimeOffset Now(int clock) => Start + (clock * Deadline);

    /// <summary>A blob that stands for bytes: its hash is that of their description.</summary>
    public static BlobRef Blob(string bytes) => new() { Sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(bytes))), SizeBytes = 100 };

    public static RunSpec Run(int run, int rounds, PrivacyMode mode) => new()
    {
        Name = $"run-{run + 1}",
        Rounds = rounds,
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [4], Outputs = 2 },
        Data = new DataSpec { DataSet = "digits" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 8 },
        Selection = new SelectionSpec { DeadlineSeconds = Deadline.TotalSeconds, MaximumAbandonedRounds = 2 },
        Privacy = PrivacyOf(mode),
    };

    /// <summary>What a mode protects: in <c>local</c> every training draws other noise, in <c>central</c> every combination does, in <c>none</c> all is the same again.</summary>
    public static PrivacySpec PrivacyOf(PrivacyMode mode) => mode switch
    {
        PrivacyMode.None => new PrivacySpec(),
        PrivacyMode.Local => new PrivacySpec { Mode = mode, Local = new LocalPrivacySpec { ClipNorm = 1, NoiseMultiplier = 4 } },
        PrivacyMode.Central => new PrivacySpec { Mode = mode, Central = new CentralPrivacySpec { ClipNorm = 1, NoiseMultiplier = 4 } },
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Expected none, local or central."),
    };

    /// <summary>A budget in the client unit that takes a number of charges of a run's tasks, and no more.</summary>
    public static LedgerPolicy BudgetFor(int charges, RunSpec run)
    {
        const double Alpha = 8;
        const double Delta = 1e-5;
        var charge = PrivacyPlan.Charges(run, DeclaredExamples, round: 1).Single(charge => charge.Unit == PrivacyUnit.Client);
        var units = Pricing.ChargeOf(Pricing.EventOf(charge), PrivacyMeasure.Renyi(Alpha)).Units;
        var wanted = (units * charges) + (units / 2);

        // The filter's capacity at an order is ε less a constant.
        var constant = -Math.Log(1 - (1 / Alpha)) + (Math.Log(Delta * Alpha) / (Alpha - 1));
        var terms = new BudgetTerms { Epsilon = (wanted / 1e9) - constant, Delta = Delta, Alpha = Alpha };
        return terms.In(PrivacyMeasure.Renyi(Alpha)).Capacity / units == charges
            ? new LedgerPolicy { Defaults = new Dictionary<PrivacyUnit, BudgetTerms> { [PrivacyUnit.Client] = terms } }
            : throw new InvalidOperationException($"A budget of {terms.In(PrivacyMeasure.Renyi(Alpha)).Capacity} units does not take {charges} charges of {units}.");
    }

    private EligibleClient Eligible(int client) => new(ClientId(client), IsPool ? Routes.Pool("ward") : Routes.Silo(ClientId(client)), new ClientDataSet
    {
        Ledger = new LedgerIdentity { Owner = "ward", DataSet = "digits", PartitionRule = "iid/2", PartitionSeed = 1, PartitionIndex = client },
        ExampleCount = DeclaredExamples,
    });
}
