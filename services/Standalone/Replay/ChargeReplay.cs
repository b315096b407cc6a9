using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Replay;

/// <summary>
/// Makes a run's part of the ledger again from the events of its log: whom it charged what, in both units, and that every charge of a round was final before
/// its model was out.
/// </summary>
public sealed class ChargeReplay(RunHistory history)
{
    private readonly Dictionary<ReservationKey, Charge> _charges = [];
    private LedgerEntry? _wrong;
    private string? _reason;

    /// <summary>Tasks that were charged.</summary>
    public int Tasks { get; private set; }

    /// <summary>Charges, one for each task and unit, that are final.</summary>
    public int Committed => _charges.Values.Count(charge => charge.Last == EntryKind.Commit);

    public int Refunded => _charges.Values.Count(charge => charge.Last == EntryKind.Refund);

    /// <summary>Charges of outputs that came again, beside those of the tasks.</summary>
    public int Further { get; private set; }

    /// <summary>Compares the ledger with what the log makes of it.</summary>
    /// <returns>What is wrong first: an entry of the ledger, or a record whose charge the ledger does not have; null when nothing is.</returns>
    public ReplayFault? FirstFault(ILedgerSource ledger)
    {
        Derive();
        LedgerReceipt[] receipts = [.. ledger.Receipts(), .. history.AggregatedRounds.Select(round => round.Aggregated!.Receipt)];
        try
        {
            if (LedgerVerification.FirstFault(Followed(ledger), receipts) is { } fault)
            {
                return InLedger(fault.Sequence, fault.Reason);
            }
        }
        catch (UnreadableEntryException e)
        {
            return InLedger(e.Sequence, e.Message);
        }

        return _wrong is not null ? InLedger(_wrong.Sequence, _reason!) : history.Rounds.Select(FaultOf).FirstOrDefault(fault => fault is not null);
    }

    // What the PrivacyAccountant makes of the same request.
    private void Derive()
    {
        foreach (var task in history.Rounds.SelectMany(round => round.Tasks.Values).Where(task => task.IsCharged != false))
        {
            Tasks += task.IsCharged == true ? 1 : 0;
            foreach (var (reservation, charge) in Reservation.Asked(task.Asked, task.Request).Zip(task.Request.Charges))
            {
                _charges[reservation.Key] = new Charge(reservation, charge, task);
            }
        }
    }

    private IEnumerable<LedgerEntry> Followed(ILedgerSource ledger)
    {
        foreach (var entry in ledger.Entries())
        {
            if (_wrong is null && entry.RunId == history.Created!.RunId && Take(entry) is { } reason)
            {
                (_wrong, _reason) = (entry, reason);
            }

            yield return entry;
        }
    }

    private string? Take(LedgerEntry entry)
    {
        if (!_charges.TryGetValue(new ReservationKey(entry.ReservationId!.Value, entry.Unit!.Value), out var charge))
        {
            // A task whose client sent a second, different output is charged once more, under a reservation of that output (privacy rule 17).
            var first = ReservationId.Of(history.Created!.RunId, entry.Round!.Value, entry.ClientId!, attempt: 1);
            var isFurther = entry.Reason is not null && _charges.ContainsKey(new ReservationKey(first, entry.Unit!.Value));
            Further += isFurther && entry.Kind == EntryKind.Commit ? 1 : 0;
            return isFurther ? null : $"no record tells of a charge of {entry.ClientId} in round {entry.Round}";
        }

        charge.Last = entry.Kind;
        charge.At = entry.Sequence;
        charge.IsReconciled = entry.Reason == LedgerReason.Reconciled;
        var asked = charge.Asked;
        if ((entry.LedgerId, entry.ClientId, entry.Round, entry.Event) != (asked.LedgerId, asked.ClientId, asked.Round, asked.Event))
        {
            return $"its charge is not the one that {entry.ClientId} was asked for in round {entry.Round}: {asked.Event} of ledger {asked.LedgerId}";
        }

        if (entry.Kind == EntryKind.Refund && !charge.Task.IsRefunded)
        {
            return $"no record tells that the charge of {entry.ClientId} in round {entry.Round} was given back";
        }

        return charge.PriceIn(entry) is { } price && price != entry.Charge ? $"charge {entry.Charge} is not {price}, which its event costs" : null;
    }

    private ReplayFault? FaultOf(RoundHistory round)
    {
        if (round.Aggregated is not { } aggregated)
        {
            return null;
        }

        foreach (var charge in round.Charged.SelectMany(task => task.Request.Charges.Select(charge => _charges[new ReservationKey(task.ReservationId, charge.Unit)])))
        {
            if (charge.Last is not (EntryKind.Commit or EntryKind.Refund) || IsLate(charge, aggregated.Receipt))
            {
                var found = charge.Last is null ? "the ledger has none" : "it was not final when the receipt was written";
                return ReplayFault.At(
                    round.EndedAt, nameof(RoundAggregated), $"the charge of {charge.Asked.ClientId} in the unit {LedgerChain.Name(charge.Asked.Unit)}: {found}");
            }

            if (charge.Task.Update is not null && charge.Last != EntryKind.Commit)
            {
                return ReplayFault.At(charge.Task.UpdateAt, nameof(UpdateAdmitted), $"the charge of {charge.Asked.ClientId} was given back");
            }
        }

        return null;
    }

    // A charge that the ledger lost and was told again stands after the receipt of its round, which the ledger knows to be lost.
    private static bool IsLate(Charge charge, LedgerReceipt receipt) => charge.At > receipt.Sequence && !charge.IsReconciled;

    private static ReplayFault InLedger(long sequence, string reason) => new($"ledger entry {sequence}", reason);

    /// <summary>A charge that the log asks for, and what the ledger has of it.</summary>
    private sealed class Charge(Reservation asked, PrivacyCharge charged, TaskHistory task)
    {
        public Reservation Asked => asked;

        public TaskHistory Task => task;

        /// <summary>Kind of its last entry; null while it has none.</summary>
        public EntryKind? Last { get; set; }

        /// <summary>Sequence of its last entry.</summary>
        public long At { get; set; }

        /// <summary>Whether the ledger had lost it, and it was entered anew.</summary>
        public bool IsReconciled { get; set; }

        /// <summary>What the charge costs in an entry's measure; null where another version of the accountant has priced it, which verification allows for.</summary>
        public string? PriceIn(LedgerEntry entry) =>
            charged.Mechanism == PrivacyMechanism.Unbounded ? Pricing.Unbounded
            : entry.Accountant != AccountantVersion.Current || entry.CountedIn is not { } measure ? null
            : Pricing.TextOf(Pricing.ChargeOf(Pricing.EventOf(charged), measure));
    }
}
