using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Replay;
using static FlEvents.Standalone.Tests.Replay.ToldRun;

namespace FlEvents.Standalone.Tests.Replay;

/// <summary>The ledger against what the log makes of it.</summary>
public sealed class ChargeReplayTests
{
    [Fact]
    public void Charges_refusals_refunds_and_further_outputs_are_all_accounted_for()
    {
        var run = Begun();
        var page = Page(1, "a", "b", "c");
        run.Tell(page);
        run.Charge(Page(1, "a", "b"));
        run.Tell(Reserved(1, "a", "b"));
        run.Tell(Refused(1, "c", "BUDGET_EXHAUSTED"));
        run.Tell(Start1(2));
        run.Tell(Admitted(1, "a"));
        run.Tell(GivenBack(1, "b"));
        run.Refund(GivenBack(1, "b"));
        run.ChargeAgain(new ChargeOutput
        {
            RunId = RunId, RoundId = RunId, Round = 1, ClientId = "a", ReservationId = ReservationId.Of(RunId, 1, "a", 1), UpdateSha256 = new string('9', 64),
        });
        Close(run, updates: 1);

        var charges = new ChargeReplay(run.History);
        Assert.Null(charges.FirstFault(run.Ledger));
        Assert.Equal((2, 2, 2, 2), (charges.Tasks, charges.Committed, charges.Refunded, charges.Further));
    }

    [Fact]
    public void A_charge_that_the_log_does_not_tell_of_is_found()
    {
        var run = Started("a");
        run.Charge(Page(1, "b"));
        run.Tell(Admitted(1, "a"));
        Close(run, updates: 1);

        AssertFault(run, "ledger entry 3", "no record tells of a charge of b in round 1");
    }

    [Fact]
    public void A_charge_for_less_noise_than_was_used_is_found()
    {
        var run = Begun();
        var asked = Page(1, "a");
        run.Tell(asked);
        run.Charge(asked with { Clients = [asked.Clients[0] with { Charges = PrivacyPlan.Charges(Spec, 50, round: 2) }] });
        run.Tell(Reserved(1, "a"));
        run.Tell(Start1(1));
        run.Tell(Admitted(1, "a"));
        Close(run, updates: 1);

        AssertFault(run, "ledger entry 1", "its charge is not the one that a was asked for in round 1");
    }

    [Fact]
    public void A_contributor_without_a_charge_is_found()
    {
        var run = Started("a");
        run.Tell(Admitted(1, "a"));
        run.Tell(Aggregated(1, 1, Elsewhere(run)));

        // The ledger of another run: long enough, and what the receipt names.
        var other = Begun();
        Elsewhere(other);
        Assert.Equal("ledger entry 9", new ChargeReplay(run.History).FirstFault(other.Ledger)!.Place);

        var without = Begun();
        var receipt = Elsewhere(without);
        without.Tell(Page(1, "a"));
        without.Tell(Reserved(1, "a"));
        without.Tell(Start1(1));
        without.Tell(Admitted(1, "a"));
        without.Tell(Aggregated(1, 1, receipt));
        AssertFault(without, "record 7, RoundAggregated", "the charge of a in the unit example: the ledger has none");
    }

    [Fact]
    public void A_charge_that_was_not_final_when_its_model_was_out_is_found()
    {
        var run = Started("a");
        run.Tell(Admitted(1, "a"));
        var receipt = Elsewhere(run);
        run.Commit(1);
        run.Tell(Aggregated(1, 1, receipt));

        AssertFault(run, "record 7, RoundAggregated", "the charge of a in the unit example: it was not final when the receipt was written");
    }

    [Fact]
    public void A_charge_given_back_without_a_record_of_it_is_found()
    {
        var run = Started("a", "b");
        run.Refund(GivenBack(1, "b"));
        run.Tell(Admitted(1, "a"));
        Close(run, updates: 1);

        AssertFault(run, "ledger entry 5", "no record tells that the charge of b in round 1 was given back");
    }

    [Fact]
    public void An_entry_that_was_changed_is_found()
    {
        var run = Started("a");
        run.Tell(Admitted(1, "a"));
        Close(run, updates: 1);
        var changed = run.Entries.Select(entry => entry.Sequence == 2 ? entry with { ClientId = "b" } : entry).ToList();
        var fault = new ChargeReplay(run.History).FirstFault(SourceOf(changed))!;

        Assert.Equal("ledger entry 2", fault.Place);
        Assert.Contains("the hash of its content", fault.Reason, StringComparison.Ordinal);
    }

    // Verification of a ledger by itself allows for more than an event costs: another version may have priced it.
    [Fact]
    public void A_charge_at_another_price_in_a_ledger_that_was_written_anew_is_found()
    {
        var run = Started("a");
        run.Tell(Admitted(1, "a"));
        run.Commit(1);
        var (head, forged) = (LedgerChain.Empty.Hash, new List<LedgerEntry>());
        foreach (var entry in run.Entries)
        {
            var dearer = entry with { Charge = $"{long.Parse(entry.Charge!, System.Globalization.CultureInfo.InvariantCulture) + 5}", PreviousHash = head };
            forged.Add(dearer with { Hash = LedgerChain.HashOf(dearer) });
            head = forged[^1].Hash;
        }

        var told = Started("a");
        told.Tell(Admitted(1, "a"));
        told.Tell(Aggregated(1, 1, new LedgerReceipt { Sequence = forged.Count, Hash = head }));
        var fault = new ChargeReplay(told.History).FirstFault(SourceOf(forged))!;
        Assert.Equal("ledger entry 1", fault.Place);
        Assert.EndsWith($"is not {run.Entries[0].Charge}, which its event costs", fault.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Charges_that_the_ledger_lost_and_was_told_again_are_those_of_the_log()
    {
        var run = Started("a", "b");
        run.Tell(Admitted(1, "a"));
        Close(run, updates: 1);
        run.Lose(entries: 6, Page(1, "b"), run.Head);
        var charges = new ChargeReplay(run.History);

        // Of eight entries the charge of a, not final, is left; what is told again is final at once, after the receipt.
        Assert.Equal("record 7, RoundAggregated", charges.FirstFault(run.Ledger)!.Place);

        run = Started("a", "b");
        run.Tell(Admitted(1, "a"));
        Close(run, updates: 1);
        run.Lose(entries: 8, Page(1, "a", "b"), run.Head);
        charges = new ChargeReplay(run.History);
        Assert.Null(charges.FirstFault(run.Ledger));
        Assert.Equal((2, 4), (charges.Tasks, charges.Committed));
    }

    // Entries of other data, so that the ledger is as long as the receipt must say.
    private static LedgerReceipt Elsewhere(ToldRun run)
    {
        var page = Page(1, "x", "y", "z", "w");
        run.Charge(page with { RunId = Guid.Empty, RoundId = Guid.Empty });
        return run.Head;
    }

    private static void Close(ToldRun run, int updates)
    {
        run.Commit(1);
        Assert.Null(run.Tell(Aggregated(1, updates, run.Head)));
    }

    private static void AssertFault(ToldRun run, string place, string reason)
    {
        var fault = new ChargeReplay(run.History).FirstFault(run.Ledger)!;
        Assert.Equal(place, fault.Place);
        Assert.StartsWith(reason, fault.Reason, StringComparison.Ordinal);
    }
}
