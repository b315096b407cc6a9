using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

public class LedgerVerificationTests
{
    private readonly LedgerWorld _world = new();
    private readonly LedgerReceipt _receipt;

    public LedgerVerificationTests()
    {
        _world.Apply(Messages.Reserve("anna@north", "ben@south"));
        _world.Apply(Messages.Refund("anna"));
        _receipt = _world.Apply(Messages.Commit()).OfType<BudgetCommitted>().Single().Receipt;
        _world.Apply(Messages.Reserve(Messages.RunA, 2, 1, "anna@north"));
    }

    [Fact]
    public void A_log_as_it_was_written_has_no_fault()
    {
        Assert.Null(LedgerVerification.FirstFault(_world.Entries, _receipt, LedgerChain.Empty));
        Assert.Null(LedgerVerification.FirstFault([]));
    }

    [Fact]
    public void A_missing_entry_is_named()
    {
        Assert.Equal(3, LedgerVerification.FirstFault(_world.Entries.Where(entry => entry.Sequence != 3))?.Sequence);
        Assert.Equal(1, LedgerVerification.FirstFault(_world.Entries.Skip(1))?.Sequence);
    }

    [Fact]
    public void Swapped_entries_are_named() =>
        Assert.Equal(2, LedgerVerification.FirstFault([_world.Entries[0], _world.Entries[2], _world.Entries[1], .. _world.Entries.Skip(3)])?.Sequence);

    [Fact]
    public void A_cut_log_is_found_by_a_receipt()
    {
        var fault = LedgerVerification.FirstFault(_world.Entries.Take(5), _receipt);

        Assert.Equal(6, fault?.Sequence);
        Assert.Contains($"receipt names entry {_receipt.Sequence}", fault?.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_written_anew_is_found_by_a_receipt()
    {
        var other = new LedgerWorld();
        other.Apply(Messages.Reserve("anna@north", "ben@south"));
        other.Apply(Messages.Refund("ben"));
        other.Apply(Messages.Commit());

        Assert.Null(LedgerVerification.FirstFault(other.Entries));
        Assert.Equal(_receipt.Sequence, LedgerVerification.FirstFault(other.Entries, _receipt)?.Sequence);
    }

    [Fact]
    public void A_charge_twice_is_found_though_the_chain_is_right() =>
        Fault("was made before", EntryKind.Reserve, ReservationOf("ben"));

    [Fact]
    public void A_refund_of_a_final_charge_is_found_though_the_chain_is_right()
    {
        Fault("is final since entry", EntryKind.Refund, ReservationOf("ben"));
        Fault("is final since entry", EntryKind.Commit, ReservationOf("anna"));
    }

    [Fact]
    public void A_commit_of_what_was_never_charged_is_found_though_the_chain_is_right() =>
        Fault("was never made", EntryKind.Commit, ReservationOf("ben") with { ReservationId = Guid.Empty });

    [Fact]
    public void A_commit_of_another_charge_than_was_made_is_found_though_the_chain_is_right()
    {
        var open = _world.StateOf(Messages.RunA, 2).Reservations.Values.First();
        Fault("was made otherwise", EntryKind.Commit, open with { Charge = "0" });
        Fault("was made otherwise", EntryKind.Commit, open with { LedgerId = Guid.Empty });
    }

    private Reservation ReservationOf(string clientId) => _world.StateOf(Messages.RunA, 1).Reservations.Values.First(reservation => reservation.ClientId == clientId);

    private void Fault(string expected, EntryKind kind, Reservation reservation)
    {
        var forged = LedgerChain.Append(_world.Head, kind, reservation, null, Messages.Noon);
        var fault = LedgerVerification.FirstFault([.. _world.Entries, forged]);
        Assert.Equal(forged.Sequence, fault?.Sequence);
        Assert.Contains(expected, fault?.Reason, StringComparison.Ordinal);
    }
}
