using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant;

/// <summary>An entry as parameters: enums are words in the database.</summary>
internal sealed record EntryRow(LedgerEntry Entry, string Kind, string Unit, string State)
{
    public long Sequence => Entry.Sequence;
    public Guid ReservationId => Entry.ReservationId;
    public Guid LedgerId => Entry.LedgerId;
    public Guid RunId => Entry.RunId;
    public int Round => Entry.Round;
    public string ClientId => Entry.ClientId;
    public int Attempt => Entry.Attempt;
    public string Event => Entry.Event;
    public string Charge => Entry.Charge;
    public string? Reason => Entry.Reason;
    public DateTimeOffset At => Entry.At;
    public string PreviousHash => Entry.PreviousHash;
    public string Hash => Entry.Hash;

    public static EntryRow Of(LedgerEntry entry) =>
        new(entry, LedgerChain.Name(entry.Kind), LedgerChain.Name(entry.Unit), LedgerChain.Name(Ledger.StateAfter(entry.Kind)));
}

internal sealed record CommitRow
{
    public Guid RunId { get; init; }
    public int Round { get; init; }
    public int Committed { get; init; }
    public long Sequence { get; init; }
    public string Hash { get; init; } = "";

    public RoundCommit ToCommit() =>
        new() { RunId = RunId, Round = Round, Committed = Committed, Receipt = new LedgerReceipt { Sequence = Sequence, Hash = Hash } };
}

internal sealed record LedgerRow
{
    public Guid LedgerId { get; init; }
    public string Owner { get; init; } = "";
    public string DataSet { get; init; } = "";
    public string PartitionRule { get; init; } = "";
    public long PartitionSeed { get; init; }
    public int PartitionIndex { get; init; }

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

    public UnitView ToView() => new()
    {
        Unit = Unit,
        Entries = Entries,
        Reserved = Reserved,
        Committed = Committed,
        Refunded = Refunded,
        Spent = Unbounded > 0 ? Reservation.Unbounded : "0",
    };
}
