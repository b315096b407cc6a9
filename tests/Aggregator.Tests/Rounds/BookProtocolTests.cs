using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;

namespace FlEvents.Aggregator.Tests.Rounds;

public class BookProtocolTests
{
    private static readonly Book Empty = new()
    {
        RoundId = Messages.RoundId(),
        RunId = Messages.RunId,
        Round = 1,
        State = BookState.Open,
        BaseModel = Messages.BaseModel,
        CohortSize = 2,
    };

    private static readonly (Book Book, BookMember Member) Opened = BookProtocol.OnMember(Empty, null, Messages.Member("anna"));

    private static readonly Book Full = BookProtocol.OnMember(Opened.Book, null, Messages.Member("ben")).Book;

    private static readonly UpdateSubmitted Update = Messages.Submit("anna", Messages.Blob('a'));

    public static TheoryData<BookState> Closed => [BookState.Frozen, BookState.Aggregated, BookState.Released, BookState.Abandoned];

    [Fact]
    public void A_member_is_added_once()
    {
        var (book, member) = BookProtocol.OnMember(Empty, null, Messages.Member("anna", lease: 2, examples: 30));

        Assert.Equal(1, book.Members);
        Assert.Equal((BookMemberState.Open, 2, 30), (member.State, member.LeaseNumber, member.ExampleCount));
        Assert.Equal((book, member), BookProtocol.OnMember(book, member, Messages.Member("anna", lease: 2)));
    }

    [Fact]
    public void A_book_is_complete_when_it_has_its_cohort()
    {
        Assert.False(Opened.Book.IsComplete);
        Assert.True(Full.IsComplete);
    }

    [Fact]
    public void A_higher_lease_replaces_the_token_and_a_lower_one_changes_nothing()
    {
        var renewed = BookProtocol.OnMember(Opened.Book, Opened.Member, Messages.Member("anna", lease: 3)).Member;
        Assert.Equal((3, Messages.Sha256(Messages.Token("anna", 3))), (renewed.LeaseNumber, renewed.LeaseTokenSha256));

        Assert.Equal(renewed, BookProtocol.OnMember(Opened.Book, renewed, Messages.Member("anna", lease: 2)).Member);
    }

    [Fact]
    public void A_member_that_has_answered_takes_no_new_lease()
    {
        var admitted = Admit(Full, Opened.Member, Update);
        Assert.Equal((admitted.Book, admitted.Member), BookProtocol.OnMember(admitted.Book, admitted.Member, Messages.Member("anna", lease: 2)));
    }

    [Fact]
    public void A_good_update_is_admitted_with_its_examples_as_weight()
    {
        var decision = Admit(Full, Opened.Member, Update);

        Assert.Equal(1, decision.Book.Admitted);
        Assert.Equal((BookMemberState.Admitted, Update.Update.Sha256, 100L, 10), (decision.Member!.State, decision.Member.UpdateSha256, decision.Member.UpdateSize, decision.Member.Weight));
        var admitted = Assert.IsType<UpdateAdmitted>(Assert.Single(decision.Messages));
        Assert.Equal((Messages.RunId, Messages.RoundId(), 1, "anna"), (admitted.RunId, admitted.RoundId, admitted.Round, admitted.ClientId));
        Assert.Equal((Update.Update.Sha256, 10, 0.5, 1.5), (admitted.UpdateSha256, admitted.ExampleCount, admitted.TrainingLoss, admitted.TrainingSeconds));
    }

    [Fact]
    public void The_same_update_again_is_a_duplicate_whatever_its_lease()
    {
        var admitted = Admit(Full, Opened.Member, Update);
        foreach (var again in new[] { Update, Update with { LeaseNumber = 2, LeaseToken = "other" } })
        {
            AssertNothing(admitted.Book, admitted.Member, BookProtocol.OnSubmitted(admitted.Book, admitted.Member, again, Messages.Spec, null));
        }
    }

    [Fact]
    public void A_duplicate_of_a_rejected_update_is_not_answered_again()
    {
        var rejected = BookProtocol.OnSubmitted(Full, Opened.Member, Update, Messages.Spec, new BlobDefect(RejectionCode.NotFinite, "NaN"));
        AssertNothing(rejected.Book, rejected.Member, BookProtocol.OnSubmitted(rejected.Book, rejected.Member, Update, Messages.Spec, null));
    }

    [Fact]
    public void S16_a_second_different_update_is_an_equivocation_and_the_first_one_counts()
    {
        var admitted = Admit(Full, Opened.Member, Update);
        var second = BookProtocol.OnSubmitted(admitted.Book, admitted.Member, Messages.Submit("anna", Messages.Blob('b')), Messages.Spec, null);

        Assert.Equal((admitted.Book, admitted.Member), (second.Book, second.Member));
        AssertRejected(second, RejectionCode.Equivocation, isFinal: false);
    }

    [Fact]
    public void A_rejected_update_can_not_be_replaced()
    {
        var rejected = BookProtocol.OnSubmitted(Full, Opened.Member, Update, Messages.Spec, new BlobDefect(RejectionCode.Malformed, "no header"));
        AssertRejected(BookProtocol.OnSubmitted(rejected.Book, rejected.Member, Messages.Submit("anna", Messages.Blob('b')), Messages.Spec, null), RejectionCode.Equivocation, isFinal: false);
    }

    [Fact]
    public void A_second_update_is_an_equivocation_also_after_the_book_was_closed()
    {
        var admitted = Admit(Full, Opened.Member, Update);
        var frozen = admitted.Book with { State = BookState.Frozen };
        AssertRejected(BookProtocol.OnSubmitted(frozen, admitted.Member, Messages.Submit("anna", Messages.Blob('b')), Messages.Spec, null), RejectionCode.Equivocation, isFinal: false);
    }

    [Theory, MemberData(nameof(Closed))]
    public void An_update_after_the_book_was_closed_is_late(BookState state)
    {
        var decision = BookProtocol.OnSubmitted(Full with { State = state }, Opened.Member, Update, Messages.Spec, null);

        AssertRejected(decision, RejectionCode.Late, isFinal: true);
        Assert.Equal(0, decision.Book.Admitted);
        Assert.Equal(BookMemberState.Rejected, decision.Member!.State);
    }

    [Theory, MemberData(nameof(Closed))]
    public void An_update_after_the_book_was_closed_is_kept_where_the_run_lets_it_count_unless_the_round_was_abandoned(BookState state)
    {
        var decision = BookProtocol.OnSubmitted(Full with { State = state }, Opened.Member, Update, Lenient, null);

        AssertRejected(decision, RejectionCode.Late, isFinal: true);
        Assert.Equal((0, state == BookState.Abandoned ? BookMemberState.Rejected : BookMemberState.Late), (decision.Book.Admitted, decision.Member!.State));
    }

    [Fact]
    public void A_late_update_is_judged_like_any_other()
    {
        var frozen = Full with { State = BookState.Frozen };
        AssertRejected(BookProtocol.OnSubmitted(frozen, Opened.Member, Update, Lenient, new BlobDefect(RejectionCode.NotFinite, "…")), RejectionCode.NotFinite, isFinal: true);
        AssertRejected(BookProtocol.OnSubmitted(frozen, Opened.Member, Update with { BaseModelSha256 = new string('9', 64) }, Lenient, null), RejectionCode.WrongBaseModel, isFinal: true);
    }

    [Fact]
    public void A_late_update_is_given_to_one_later_book_once_and_counts_there_as_rounds_late()
    {
        var late = BookProtocol.OnSubmitted(Full with { State = BookState.Released }, Opened.Member, Update, Lenient, null);
        var next = Empty with { RoundId = Messages.RoundId(3), Round = 3 };
        var carried = BookProtocol.OnCarried(next, late.Member, late.Book, Carried, Lenient);

        Assert.Equal((1, 1, next.RoundId), (carried.Book.Members, carried.Book.Admitted, carried.Member!.CarriedTo));
        var admitted = Assert.IsType<UpdateAdmitted>(Assert.Single(carried.Messages));
        Assert.Equal((3, 2, Messages.Reservation("anna")), (admitted.Round, admitted.RoundsLate, admitted.ReservationId));

        var again = BookProtocol.OnCarried(carried.Book, carried.Member, late.Book, Carried, Lenient);
        Assert.Equal((carried.Book, 0), (again.Book, again.Messages.Count));
        var another = BookProtocol.OnCarried(next with { RoundId = Messages.RoundId(4), Round = 4 }, carried.Member, late.Book, Carried, Lenient);
        AssertRejected(another, RejectionCode.NotSelected, isFinal: true);
        Assert.Equal((1, 0, next.RoundId), (another.Book.Members, another.Book.Admitted, another.Member!.CarriedTo));
    }

    private static RunSpec Lenient => Messages.Spec with { Aggregation = new AggregationSpec { LateRounds = 2 } };

    private static RoundMember Carried => Messages.Member("anna", round: 1) with { CarriedFrom = Messages.RoundId() };

    [Fact]
    public void A_stranger_is_rejected_once_the_book_is_complete()
    {
        var decision = BookProtocol.OnSubmitted(Full, null, Messages.Submit("zoe", Messages.Blob('a')), Messages.Spec, null);

        AssertRejected(decision, RejectionCode.NotSelected, isFinal: false);
        Assert.Null(decision.Member);
    }

    [Theory, MemberData(nameof(Closed))]
    public void A_stranger_is_rejected_once_the_book_is_closed(BookState state) =>
        AssertRejected(BookProtocol.OnSubmitted(Opened.Book with { State = state }, null, Messages.Submit("zoe", Messages.Blob('a')), Messages.Spec, null), RejectionCode.NotSelected, isFinal: false);

    [Fact]
    public void An_update_of_someone_the_incomplete_book_does_not_know_is_kept()
    {
        var decision = BookProtocol.OnSubmitted(Opened.Book, null, Messages.Submit("ben", Messages.Blob('b')), Messages.Spec, null);

        Assert.True(decision.Keep);
        Assert.Empty(decision.Messages);
    }

    [Fact]
    public void Another_reservation_is_rejected() => AssertRejected(
        BookProtocol.OnSubmitted(Full, Opened.Member, Update with { ReservationId = Messages.Reservation("ben") }, Messages.Spec, null), RejectionCode.NotSelected, isFinal: false);

    [Fact]
    public void Another_run_or_round_than_the_books_is_rejected()
    {
        foreach (var message in new[] { Update with { RunId = Guid.Empty }, Update with { Round = 2 } })
        {
            var decision = BookProtocol.OnSubmitted(Full, Opened.Member, message, Messages.Spec, null);
            AssertRejected(decision, RejectionCode.NotSelected, isFinal: false);
            Assert.Equal(Opened.Member, decision.Member);
        }
    }

    [Fact]
    public void A_wrong_token_loses_and_the_right_one_is_admitted_after_it()
    {
        var (book, renewed) = BookProtocol.OnMember(Full, Opened.Member, Messages.Member("anna", lease: 2));
        var old = BookProtocol.OnSubmitted(book, renewed, Update, Messages.Spec, null);
        AssertRejected(old, RejectionCode.LeaseLost, isFinal: false);
        Assert.Equal((book, renewed), (old.Book, old.Member));

        var forged = BookProtocol.OnSubmitted(book, renewed, Update with { LeaseNumber = 2 }, Messages.Spec, null);
        AssertRejected(forged, RejectionCode.LeaseLost, isFinal: false);

        Assert.Equal(1, Admit(book, renewed, Messages.Submit("anna", Messages.Blob('b'), lease: 2)).Book.Admitted);
    }

    [Fact]
    public void A_lease_the_book_does_not_know_yet_is_kept()
    {
        var decision = BookProtocol.OnSubmitted(Full, Opened.Member, Messages.Submit("anna", Messages.Blob('a'), lease: 2), Messages.Spec, null);

        Assert.True(decision.Keep);
        AssertNothing(Full, Opened.Member, decision with { Keep = false });
    }

    [Fact]
    public void Another_base_model_is_rejected_for_good() => AssertRejected(
        BookProtocol.OnSubmitted(Full, Opened.Member, Update with { BaseModelSha256 = new string('0', 64) }, Messages.Spec, null), RejectionCode.WrongBaseModel, isFinal: true);

    [Theory]
    [InlineData(null)]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(101)]
    [InlineData(int.MaxValue)]
    public void An_example_count_that_is_missing_or_not_from_1_to_the_declared_one_is_rejected_for_good(int? examples) => AssertRejected(
        BookProtocol.OnSubmitted(Full, Opened.Member, Update with { ExampleCount = examples }, Messages.Spec, null), RejectionCode.ExampleCount, isFinal: true);

    [Theory, InlineData(1), InlineData(100)]
    public void The_ends_of_the_range_of_examples_are_admitted(int examples) =>
        Assert.Equal(examples, Admit(Full, Opened.Member, Update with { ExampleCount = examples }).Member!.Weight);

    [Fact]
    public void A_defect_of_the_bytes_is_rejected_for_good_with_its_code_and_detail()
    {
        var decision = BookProtocol.OnSubmitted(Full, Opened.Member, Update, Messages.Spec, new BlobDefect(RejectionCode.NotFinite, "Element 3 is not finite."));

        AssertRejected(decision, RejectionCode.NotFinite, isFinal: true);
        Assert.Equal("Element 3 is not finite.", ((UpdateRejected)decision.Messages[0]).Detail);
        Assert.Equal((0, BookMemberState.Rejected), (decision.Book.Admitted, decision.Member!.State));
    }

    [Fact]
    public void A_book_with_enough_updates_is_frozen()
    {
        var decision = BookProtocol.OnAggregate(Admit(Full, Opened.Member, Update).Book, Messages.Aggregate());

        Assert.Equal(BookState.Frozen, decision.Book.State);
        Assert.Empty(decision.Messages);
    }

    [Theory]
    [InlineData(0, 0, "0 updates were admitted; the round needs 1.")]
    [InlineData(0, 1, "0 updates were admitted; the round needs 1.")]
    [InlineData(1, 2, "1 updates were admitted; the round needs 2.")]
    public void A_book_with_too_few_updates_is_abandoned(int admitted, int minimum, string detail)
    {
        var decision = BookProtocol.OnAggregate(Full with { Admitted = admitted }, Messages.Aggregate(minimum));

        Assert.Equal(BookState.Abandoned, decision.Book.State);
        var abandoned = Assert.IsType<RoundAbandoned>(Assert.Single(decision.Messages));
        Assert.Equal(("TOO_FEW_REPORTS", detail), (abandoned.ReasonCode, abandoned.Detail));
    }

    [Fact]
    public void A_book_that_lacks_members_keeps_the_request()
    {
        var decision = BookProtocol.OnAggregate(Opened.Book with { Admitted = 1 }, Messages.Aggregate());

        Assert.True(decision.Keep);
        AssertNothing(Opened.Book with { Admitted = 1 }, null, decision with { Keep = false });
    }

    [Theory, MemberData(nameof(Closed))]
    public void A_closed_book_is_not_frozen_or_abandoned_again(BookState state)
    {
        var book = Full with { State = state, Admitted = 1 };
        var asked = BookProtocol.OnAggregate(book, Messages.Aggregate(5));
        AssertNothing(book, null, asked with { Messages = [] });
        AssertNothing(book, null, BookProtocol.OnAbandoned(book));

        // Who asks for its model must not wait for one that never comes.
        Assert.Equal(state == BookState.Abandoned ? ["ABANDONED_BEFORE"] : [], asked.Messages.Cast<RoundAbandoned>().Select(message => message.ReasonCode));
    }

    [Fact]
    public void An_open_book_is_abandoned_without_a_message()
    {
        var decision = BookProtocol.OnAbandoned(Full);
        Assert.Equal(BookState.Abandoned, decision.Book.State);
        Assert.Empty(decision.Messages);
    }

    [Fact]
    public void A_combined_book_names_its_model_and_asks_the_ledger_and_nobody_else()
    {
        var decision = BookProtocol.OnCombined(Full with { State = BookState.Frozen }, Full.Members, Messages.Blob('d'), null);

        Assert.Equal((BookState.Aggregated, Messages.Blob('d')), (decision.Book.State, decision.Book.Result));
        Assert.IsType<CommitBudget>(Assert.Single(decision.Messages));
    }

    [Theory]
    [InlineData(BookState.Open)]
    [InlineData(BookState.Aggregated)]
    [InlineData(BookState.Released)]
    [InlineData(BookState.Abandoned)]
    public void A_model_for_a_book_that_is_not_frozen_is_dropped(BookState state)
    {
        var book = Full with { State = state, Result = state == BookState.Open ? null : Messages.Blob('d') };
        AssertNothing(book, null, BookProtocol.OnCombined(book, Full.Members, Messages.Blob('e'), null));
    }

    [Fact]
    public void The_receipt_releases_the_model_with_its_scores()
    {
        var evaluation = new ModelEvaluation { ExampleCount = 5, Loss = 1, Accuracy = 0.4, PerClassAccuracy = null, Auc = null, MeanAbsoluteError = null };
        var book = Full with { State = BookState.Aggregated, Admitted = 2, Result = Messages.Blob('d'), Evaluation = evaluation };
        var decision = BookProtocol.OnCommitted(book, Messages.Committed(model: book.Result), parameterCount: 15);

        Assert.Equal((BookState.Released, Messages.Receipt), (decision.Book.State, decision.Book.Receipt));
        var aggregated = Assert.IsType<RoundAggregated>(decision.Messages[0]);
        Assert.Equal((Messages.Blob('d'), 2, Messages.Receipt, evaluation), (aggregated.Model, aggregated.UpdatesAdmitted, aggregated.Receipt, aggregated.Evaluation));
        var published = Assert.IsType<ModelPublished>(decision.Messages[1]);
        Assert.Equal((1, Messages.Blob('d'), 15, Messages.Receipt), (published.Version, published.Model, published.ParameterCount, published.Receipt));
    }

    [Theory]
    [InlineData(BookState.Open)]
    [InlineData(BookState.Frozen)]
    [InlineData(BookState.Released)]
    [InlineData(BookState.Abandoned)]
    public void A_receipt_for_a_book_that_names_no_waiting_model_releases_nothing(BookState state)
    {
        var book = Full with { State = state };
        AssertNothing(book, null, BookProtocol.OnCommitted(book, Messages.Committed(), 15));
    }

    [Theory]
    [InlineData('e')]
    [InlineData(null)]
    public void A_round_that_was_committed_for_another_model_or_for_none_is_abandoned(char? committed)
    {
        var book = Full with { State = BookState.Aggregated, Admitted = 2, Result = Messages.Blob('d') };

        var decision = BookProtocol.OnCommitted(book, Messages.Committed(model: committed is { } hash ? Messages.Blob(hash) : null), parameterCount: 15);

        Assert.Equal((BookState.Abandoned, Messages.Blob('d')), (decision.Book.State, decision.Book.Result));
        Assert.Equal("COMMITTED_BEFORE", Assert.IsType<RoundAbandoned>(Assert.Single(decision.Messages)).ReasonCode);
    }

    [Fact]
    public void The_ledger_is_asked_for_the_one_model_and_for_every_task_of_the_round()
    {
        var book = Full with { State = BookState.Frozen, Admitted = 2 };

        var commit = Assert.IsType<CommitBudget>(Assert.Single(BookProtocol.OnCombined(book, charged: 1, Messages.Blob('d'), evaluation: null).Messages));

        Assert.Equal((Messages.Blob('d').Sha256, 1), (commit.ModelSha256, commit.Charged));
    }

    private static BookDecision Admit(Book book, BookMember member, UpdateSubmitted message)
    {
        var decision = BookProtocol.OnSubmitted(book, member, message, Messages.Spec, null);
        Assert.Equal(BookMemberState.Admitted, decision.Member!.State);
        return decision;
    }

    private static void AssertRejected(BookDecision decision, string code, bool isFinal)
    {
        var rejected = Assert.IsType<UpdateRejected>(Assert.Single(decision.Messages));
        Assert.Equal((code, isFinal), (rejected.ReasonCode, rejected.IsFinal));
        Assert.False(decision.Keep);
    }

    private static void AssertNothing(Book book, BookMember? member, BookDecision decision)
    {
        Assert.Equal((book, member), (decision.Book, decision.Member));
        Assert.Empty(decision.Messages);
        Assert.False(decision.Keep);
    }
}
