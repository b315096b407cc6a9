using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>Well-formed commands of two made-up runs.</summary>
internal static class Messages
{
    public static readonly Guid RunA = Guid.Parse("0195a3c4-0000-7000-8000-00000000000a");
    public static readonly Guid RunB = Guid.Parse("0195a3c4-0000-7000-8000-00000000000b");
    public static readonly DateTimeOffset Noon = new(2025, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static LedgerIdentity LedgerOf(string owner) =>
        new() { Owner = owner, DataSet = "bank", PartitionRule = "iid/10", PartitionSeed = 7, PartitionIndex = 3 };

    /// <param name="clients">Each as <c>client@owner</c>: who asks, and whose ledger is charged.</param>
    public static ReserveBudget Reserve(Guid runId, int round, int attempt, params IEnumerable<string> clients) => new()
    {
        RunId = runId,
        RoundId = ReservationId.OfRound(runId, round),
        Round = round,
        Attempt = attempt,
        Clients = clients.Select(client => client.Split('@')).Select(part => new ReservationRequest { ClientId = part[0], Ledger = LedgerOf(part[1]), Charges = Unbounded }).ToList(),
    };

    /// <summary>What a run without privacy charges.</summary>
    public static readonly PrivacyCharge[] Unbounded =
    [
        new PrivacyCharge { Unit = PrivacyUnit.Example, Mechanism = PrivacyMechanism.Unbounded },
        new PrivacyCharge { Unit = PrivacyUnit.Client, Mechanism = PrivacyMechanism.Unbounded },
    ];

    public static ReserveBudget Reserve(params IEnumerable<string> clients) => Reserve(RunA, round: 1, attempt: 1, clients);

    public static CommitBudget Commit(Guid runId, int round) => new() { RunId = runId, RoundId = ReservationId.OfRound(runId, round), Round = round };

    public static CommitBudget Commit() => Commit(RunA, round: 1);

    public static RefundBudget Refund(Guid runId, int round, string clientId, int attempt) => new()
    {
        RunId = runId,
        RoundId = ReservationId.OfRound(runId, round),
        Round = round,
        ClientId = clientId,
        ReservationId = ReservationId.Of(runId, round, clientId, attempt),
        ReasonCode = "NOT_DISPATCHED",
    };

    /// <summary>A further output of a client's first attempt in run A.</summary>
    public static ChargeOutput Output(string clientId, int round, string sha256) => new()
    {
        RunId = RunA,
        RoundId = ReservationId.OfRound(RunA, round),
        Round = round,
        ClientId = clientId,
        ReservationId = ReservationId.Of(RunA, round, clientId, 1),
        UpdateSha256 = sha256,
    };

    /// <summary>A charge of one Gaussian release, in both units.</summary>
    public static ReserveBudget Gaussian(ReserveBudget message, double noiseMultiplier = 2) =>
        message with { Clients = [.. message.Clients.Select(client => client with { Charges = [GaussianIn(PrivacyUnit.Example, noiseMultiplier), GaussianIn(PrivacyUnit.Client, noiseMultiplier)] })] };

    private static PrivacyCharge GaussianIn(PrivacyUnit unit, double noiseMultiplier) =>
        new() { Unit = unit, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = noiseMultiplier };

    public static RefundBudget Refund(string clientId) => Refund(RunA, round: 1, clientId, attempt: 1);
}
