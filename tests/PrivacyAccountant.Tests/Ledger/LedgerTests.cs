using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

public class LedgerTests
{
    private readonly LedgerWorld _world = new();

    [Fact]
    public void Each_client_is_charged_once_in_each_unit()
    {
        var answers = _world.Apply(Messages.Reserve("anna@north", "ben@south"));

        Assert.Equal(["anna", "ben"], Assert.IsType<BudgetReserved>(Assert.Single(answers)).ClientIds);
        Assert.Equal(
            [("anna", PrivacyUnit.Example), ("anna", PrivacyUnit.Client), ("ben", PrivacyUnit.Example), ("ben", PrivacyUnit.Client)],
            _world.Entries.Select(entry => (entry.ClientId, entry.Unit)));
        Assert.All(_world.Entries, entry =>
        {
            Assert.Equal(EntryKind.Reserve, entry.Kind);
            Assert.Equal("unbounded", entry.Charge);
            Assert.Equal(ReservationId.Of(Messages.RunA, 1, entry.ClientId!, 1), entry.ReservationId);
        });
        Assert.Equal("""{"unit":"example","mechanism":"unbounded"}""", _world.Entries[0].Event);
    }

    [Fact]
    public void The_answer_repeats_what_was_asked_about()
    {
        var answer = Assert.IsType<BudgetReserved>(Assert.Single(_world.Apply(Messages.Reserve(Messages.RunB, round: 4, attempt: 2, "anna@north"))));

        Assert.Equal((Messages.RunB, ReservationId.OfRound(Messages.RunB, 4), 4, 2), (answer.RunId, answer.RoundId, answer.Round, answer.Attempt));
    }

    [Fact]
    public void The_same_request_again_gets_the_same_answer_and_charges_nothing()
    {
        var first = _world.Apply(Messages.Reserve("anna@north"));
        var head = _world.Head;

        var again = _world.Apply(Messages.Reserve("anna@north"));

        Assert.Equivalent(first, again, strict: true);
        Assert.Equal(head, _world.Head);
    }

    [Fact]
    public void The_same_request_after_its_commit_is_still_answered_as_charged()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        _world.Apply(Messages.Commit());
        var head = _world.Head;

        Assert.Equal(["anna"], Assert.IsType<BudgetReserved>(Assert.Single(_world.Apply(Messages.Reserve("anna@north")))).ClientIds);
        Assert.Equal(head, _world.Head);
    }

    [Fact]
    public void A_page_may_hold_clients_that_are_charged_already()
    {
        _world.Apply(Messages.Reserve("anna@north"));

        var answers = _world.Apply(Messages.Reserve("anna@north", "ben@south"));

        Assert.Equal(["anna", "ben"], Assert.IsType<BudgetReserved>(Assert.Single(answers)).ClientIds);
        Assert.Equal(4, _world.Entries.Count);
    }

    [Fact]
    public void The_same_reservation_for_another_ledger_is_a_conflict_and_the_first_is_kept()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        var before = _world.StateOf(Messages.RunA, 1);

        Refused("CONFLICT", "anna", _world.Apply(Messages.Reserve("anna@south")));
        Assert.Equal(before.Reservations, _world.StateOf(Messages.RunA, 1).Reservations);
        Assert.Equal(before.Head, _world.Head);
    }

    [Fact]
    public void The_same_reservation_with_another_charge_is_a_conflict()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        var state = _world.StateOf(Messages.RunA, 1);
        var kept = state.Reservations.Values.Single(reservation => reservation.Unit == PrivacyUnit.Example) with
        {
            Event = """{"unit":"example","mechanism":"gaussian","noiseMultiplier":0.5}""",
        };

        var decision = Ledger.On(state with { Reservations = state.Reservations.SetItem(kept.Key, kept) }, Messages.Reserve("anna@north"), new LedgerPolicy(), Messages.Noon);

        Refused("CONFLICT", "anna", decision.Messages);
        Assert.Empty(decision.Entries);
        Assert.Equal(kept, decision.State.Reservations[kept.Key]);
    }

    [Fact]
    public void A_second_client_of_the_same_ledger_is_refused_in_the_same_message()
    {
        var answers = _world.Apply(Messages.Reserve("anna@north", "ben@north"));

        Assert.Equal(["anna"], answers.OfType<BudgetReserved>().Single().ClientIds);
        Refused("OWNER_ALREADY_IN_ROUND", "ben", [.. answers.OfType<BudgetRefused>()]);
        Assert.Equal(2, _world.Entries.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_second_client_of_the_same_ledger_is_refused_in_a_later_message_and_at_any_attempt(int attempt)
    {
        _world.Apply(Messages.Reserve("anna@north"));

        Refused("OWNER_ALREADY_IN_ROUND", "ben", _world.Apply(Messages.Reserve(Messages.RunA, 1, attempt, "ben@north")));
    }

    [Fact]
    public void A_refund_does_not_free_the_ledger_for_another_client_in_its_round()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        _world.Apply(Messages.Refund("anna"));

        Refused("OWNER_ALREADY_IN_ROUND", "ben", _world.Apply(Messages.Reserve("ben@north")));
    }

    [Fact]
    public void Another_round_and_another_run_may_charge_the_same_ledger_for_another_client()
    {
        _world.Apply(Messages.Reserve("anna@north"));

        Assert.IsType<BudgetReserved>(Assert.Single(_world.Apply(Messages.Reserve(Messages.RunA, 2, 1, "ben@north"))));
        Assert.IsType<BudgetReserved>(Assert.Single(_world.Apply(Messages.Reserve(Messages.RunB, 1, 1, "ben@north"))));
    }

    [Fact]
    public void A_further_attempt_is_a_further_charge()
    {
        _world.Apply(Messages.Reserve("anna@north"));

        Assert.IsType<BudgetReserved>(Assert.Single(_world.Apply(Messages.Reserve(Messages.RunA, 1, 2, "anna@north"))));
        Assert.Equal(4, _world.Entries.Count);
    }

    [Fact]
    public void A_commit_makes_every_open_charge_of_its_round_final()
    {
        _world.Apply(Messages.Reserve("ben@south", "anna@north"));
        _world.Apply(Messages.Reserve(Messages.RunA, 1, 2, "anna@north"));
        _world.Apply(Messages.Reserve(Messages.RunA, 2, 1, "anna@north"));

        var answer = Assert.IsType<BudgetCommitted>(Assert.Single(_world.Apply(Messages.Commit())));

        Assert.Equal(3, answer.Committed);
        Assert.Equal(_world.Head, answer.Receipt);
        Assert.Equal(
            [("anna", 1), ("anna", 1), ("anna", 2), ("anna", 2), ("ben", 1), ("ben", 1)],
            _world.Entries.Where(entry => entry.Kind == EntryKind.Commit).Select(entry => (entry.ClientId, entry.Attempt)));
        Assert.All(_world.StateOf(Messages.RunA, 1).Reservations.Values, reservation => Assert.Equal(ReservationState.Committed, reservation.State));
        Assert.All(_world.StateOf(Messages.RunA, 2).Reservations.Values, reservation => Assert.Equal(ReservationState.Reserved, reservation.State));
    }

    [Fact]
    public void A_commit_names_the_one_model_and_a_later_one_for_another_is_answered_with_the_first()
    {
        var (first, second) = (Messages.Commit() with { ModelSha256 = new string('d', 64) }, Messages.Commit() with { ModelSha256 = new string('e', 64) });
        _world.Apply(Messages.Reserve("anna@north"));

        Assert.Equal(first.ModelSha256, _world.Apply(first).OfType<BudgetCommitted>().Single().ModelSha256);
        Assert.Equal([first.ModelSha256, first.ModelSha256], _world.Entries.Where(entry => entry.Kind == EntryKind.Commit).Select(entry => entry.Reason));
        var head = _world.Head;
        Assert.Equal(first.ModelSha256, _world.Apply(second).OfType<BudgetCommitted>().Single().ModelSha256);
        Assert.Equal(first.ModelSha256, _world.Apply(Messages.Commit()).OfType<BudgetCommitted>().Single().ModelSha256);
        Assert.Equal(head, _world.Head);
        Assert.Null(LedgerVerification.FirstFault(_world.Entries));
    }

    [Fact]
    public void A_round_that_was_committed_for_no_model_is_never_committed_for_one()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        _world.Apply(Messages.Commit());

        Assert.Null(_world.Apply(Messages.Commit() with { ModelSha256 = new string('d', 64) }).OfType<BudgetCommitted>().Single().ModelSha256);
    }

    [Fact]
    public void A_second_commit_repeats_the_first_receipt()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        var first = _world.Apply(Messages.Commit());
        _world.Apply(Messages.Reserve(Messages.RunB, 1, 1, "ben@south"));
        var head = _world.Head;

        Assert.Equivalent(first, _world.Apply(Messages.Commit()), strict: true);
        Assert.Equal(head, _world.Head);
    }

    [Fact]
    public void A_round_nobody_was_charged_for_is_committed_at_the_head_as_it_is()
    {
        var answer = Assert.IsType<BudgetCommitted>(Assert.Single(_world.Apply(Messages.Commit())));

        Assert.Equal(0, answer.Committed);
        Assert.Equal(LedgerChain.Empty, answer.Receipt);
        Refused("ROUND_COMMITTED", "anna", _world.Apply(Messages.Reserve("anna@north")));
    }

    [Fact]
    public void A_new_charge_is_refused_once_its_round_is_committed()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        _world.Apply(Messages.Commit());

        Refused("ROUND_COMMITTED", "ben", _world.Apply(Messages.Reserve("ben@south")));
        Refused("ROUND_COMMITTED", "anna", _world.Apply(Messages.Reserve(Messages.RunA, 1, 2, "anna@north")));
    }

    [Fact]
    public void A_refund_gives_both_units_back_and_notes_its_proof()
    {
        _world.Apply(Messages.Reserve("anna@north", "ben@south"));

        Assert.Empty(_world.Apply(Messages.Refund("anna")));

        Assert.Equal(
            [(PrivacyUnit.Example, "NOT_DISPATCHED"), (PrivacyUnit.Client, "NOT_DISPATCHED")],
            _world.Entries.Where(entry => entry.Kind == EntryKind.Refund).Select(entry => (entry.Unit, entry.Reason)));
        Assert.Equal(1, Assert.IsType<BudgetCommitted>(Assert.Single(_world.Apply(Messages.Commit()))).Committed);
    }

    [Fact]
    public void A_refunded_reservation_is_never_charged_again()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        _world.Apply(Messages.Refund("anna"));
        var head = _world.Head;

        Refused("REFUNDED", "anna", _world.Apply(Messages.Reserve("anna@north")));
        _world.Apply(Messages.Refund("anna"));
        Assert.Equal(head, _world.Head);
    }

    [Fact]
    public void A_refund_after_the_commit_changes_nothing()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        _world.Apply(Messages.Commit());
        var head = _world.Head;

        Assert.Empty(_world.Apply(Messages.Refund("anna")));
        Assert.Equal(head, _world.Head);
    }

    [Fact]
    public void A_refund_that_names_another_client_round_or_run_changes_nothing()
    {
        _world.Apply(Messages.Reserve("anna@north"));
        var state = _world.StateOf(Messages.RunA, 1);
        var refund = Messages.Refund("anna");

        Assert.All(
            [refund with { ClientId = "ben" }, refund with { Round = 2 }, refund with { RunId = Messages.RunB }, refund with { ReservationId = Guid.Empty }],
            wrong => Assert.Empty(Ledger.On(state, wrong, Messages.Noon).Entries));
    }

    private static void Refused(string reasonCode, string clientId, IReadOnlyList<object> answers)
    {
        var refusal = Assert.Single(Assert.IsType<BudgetRefused>(Assert.Single(answers)).Refused);
        Assert.Equal((clientId, reasonCode), (refusal.ClientId, refusal.ReasonCode));
        Assert.Contains(clientId, refusal.Detail, StringComparison.Ordinal);
    }
}
