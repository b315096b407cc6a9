using System.Globalization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>An entry as it is written: enums and times are words in the database.</summary>
internal sealed record EntryRow
{
    public required long Sequence { get; init; }
    public required string Kind { get; init; }
    public required Guid? ReservationId { get; init; }
    public required Guid? LedgerId { get; init; }
    public required string? Unit { get; init; }
    public required Guid? RunId { get; init; }
    public required int? Round { get; init; }
    public required string? ClientId { get; init; }
    public required int? Attempt { get; init; }
    public required string Event { get; init; }
    public required string? Charge { get; init; }
    public required double? Alpha { get; init; }
    public required string? Measure { get; init; }
    public required string? Accountant { get; init; }
    public required string? Reason { get; init; }
    public required string At { get; init; }
    public required string PreviousHash { get; init; }
    public required string Hash { get; init; }

    public static EntryRow Of(LedgerEntry entry) => new()
    {
        Sequence = entry.Sequence,
        Kind = LedgerChain.Name(entry.Kind),
        ReservationId = entry.ReservationId,
        LedgerId = entry.LedgerId,
        Unit = entry.Unit is { } unit ? LedgerChain.Name(unit) : null,
        RunId = entry.RunId,
        Round = entry.Round,
        ClientId = entry.ClientId,
        Attempt = entry.Attempt,
        Event = entry.Event,
        Charge = entry.Charge,
        Alpha = entry.Alpha,
        Measure = entry.Measure,
        Accountant = entry.Accountant,
        Reason = entry.Reason,
        At = LedgerChain.Text(entry.At),
        PreviousHash = entry.PreviousHash,
        Hash = entry.Hash,
    };
}

internal sealed record CommitRow
{
    public Guid RunId { get; init; }
    public int Round { get; init; }
    public int Committed { get; init; }
    public long Sequence { get; init; }
    public string Hash { get; init; } = "";
    public string? ModelSha256 { get; init; }

    public RoundCommit ToCommit() =>
        new() { RunId = RunId, Round = Round, Committed = Committed, Receipt = new LedgerReceipt { Sequence = Sequence, Hash = Hash }, ModelSha256 = ModelSha256 };
}

internal sealed record LedgerRow
{
    public Guid LedgerId { get; init; }
    public string Owner { get; init; } = "";
    public string DataSet { get; init; } = "";
    public string PartitionRule { get; init; } = "";
    public long PartitionSeed { get; init; }
    public int PartitionIndex { get; init; }

    public static LedgerRow Of(LedgerIdentity ledger) => new()
    {
        LedgerId = PrivacyAccountant.LedgerId.Of(ledger),
        Owner = ledger.Owner,
        DataSet = ledger.DataSet,
        PartitionRule = ledger.PartitionRule,
        PartitionSeed = ledger.PartitionSeed,
        PartitionIndex = ledger.PartitionIndex,
    };

    public LedgerView ToView(IEnumerable<UnitRow> units) => new()
    {
        LedgerId = LedgerId,
        Ledger = new LedgerIdentity
        {
            Owner = Owner,
            DataSet = DataSet,
            PartitionRule = PartitionRule,
            PartitionSeed = PartitionSeed,
            PartitionIndex = PartitionIndex,
        },
        Units = units.OrderBy(unit => unit.Unit).Select(unit => unit.ToView()).ToList(),
    };
}

internal sealed record UnitRow
{
    public Guid LedgerId { get; init; }
    public PrivacyUnit Unit { get; init; }
    public long Entries { get; init; }
    public long Reserved { get; init; }
    public long Committed { get; init; }
    public long Refunded { get; init; }
    public long Unbounded { get; init; }
    public long Spent { get; init; }
    public double? Alpha { get; init; }
    public string? Measure { get; init; }
    public double? Epsilon { get; init; }
    public double? Delta { get; init; }
    public double? Rho { get; init; }

    public UnitAccount ToAccount() => new()
    {
        Measure = PrivacyMeasure.Of(Measure, Alpha),
        Budget = Epsilon is null && Rho is null ? null : new BudgetTerms { Epsilon = Epsilon, Delta = Delta, Alpha = Alpha, Rho = Rho },
        Spent = Spent,
        Unbounded = Unbounded,
    };

    public UnitView ToView() => new()
    {
        Unit = Unit,
        Entries = Entries,
        Reserved = Reserved,
        Committed = Committed,
        Refunded = Refunded,
        Unbounded = Unbounded,
        Spent = Unbounded > 0 ? Pricing.Unbounded : Spent.ToString(CultureInfo.InvariantCulture),
        SpentUnits = Spent,
        Alpha = Alpha,
        Measure = Measure,
        Budget = BudgetView.Of(ToAccount()),
    };
}
