using FlEvents.Contracts;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.PrivacyAccountant.Tests;

public class LedgerPropertyTests
{
    private static readonly Config FixedSeed = Config.QuickThrowOnFailure.WithReplay(2024, 1).WithMaxTest(300);

    [Fact]
    public void Whatever_is_delivered_the_ledger_answers_as_its_rules_say() => Prop.ForAll(Deliveries.Any.ToArbitrary(), messages =>
    {
        var (world, naive) = (new LedgerWorld(), new NaiveLedger());
        foreach (var message in messages)
        {
            AssertSameAnswer(naive, message, world.Apply(message));
        }

        Assert.Equal(naive.EntryCount, world.Entries.Count);
        Assert.Equal(
            naive.States.Select(state => (state.Item1, state.Item2, state.Item3, state.Item4, LedgerId.Of(Messages.LedgerOf(state.Item5)), state.Item6)).Order(),
            world.Reservations.Where(reservation => reservation.Unit == PrivacyUnit.Client)
                .Select(r => (r.RunId, r.Round, r.ClientId, r.Attempt, r.LedgerId, LedgerChain.Name(r.State))).Order());
    }).Check(FixedSeed);

    [Fact]
    public void No_two_reservations_share_a_key_and_a_ledger_has_one_client_in_a_round() => Prop.ForAll(Deliveries.Any.ToArbitrary(), messages =>
    {
        var world = new LedgerWorld();
        Array.ForEach(messages, message => world.Apply(message));

        Assert.All(world.Reservations.CountBy(r => (r.LedgerId, r.Unit, r.RunId, r.Round, r.Attempt)), key => Assert.Equal(1, key.Value));
        Assert.All(world.Reservations.GroupBy(r => (r.LedgerId, r.RunId, r.Round)), ledger => Assert.Single(ledger.DistinctBy(r => r.ClientId)));
    }).Check(FixedSeed);

    [Fact]
    public void The_log_only_grows_and_always_verifies() => Prop.ForAll(Deliveries.Any.ToArbitrary(), messages =>
    {
        var world = new LedgerWorld();
        var receipts = new List<LedgerReceipt>();
        foreach (var message in messages)
        {
            receipts.AddRange(world.Apply(message).OfType<BudgetCommitted>().Select(answer => answer.Receipt));
            Assert.Equal(world.Entries.Count, world.Head.Sequence);
        }

        Assert.Null(LedgerVerification.FirstFault(world.Entries, receipts));
        Assert.Equal(world.Entries.Select(entry => entry.Hash).LastOrDefault(LedgerChain.Empty.Hash), world.Head.Hash);
    }).Check(FixedSeed);

    [Fact]
    public void Nothing_leaves_a_final_state() => Prop.ForAll(Deliveries.Any.ToArbitrary(), messages =>
    {
        var world = new LedgerWorld();
        var final = new Dictionary<ReservationKey, Reservation>();
        foreach (var message in messages)
        {
            world.Apply(message);
            foreach (var reservation in world.Reservations.Where(reservation => reservation.State != ReservationState.Reserved))
            {
                final.TryAdd(reservation.Key, reservation);
            }

            Assert.All(world.Reservations, reservation => Assert.Equal(final.GetValueOrDefault(reservation.Key, reservation), reservation));
        }
    }).Check(FixedSeed);

    [Fact]
    public void Replaying_any_messages_in_any_order_leaves_the_head() => Prop.ForAll(Deliveries.Replayed.ToArbitrary(), deliveries =>
    {
        var world = new LedgerWorld();
        Array.ForEach(deliveries.First, message => world.Apply(message));
        var head = world.Head;
        Array.ForEach(deliveries.Again, message => world.Apply(message));

        Assert.Equal(head, world.Head);
    }).Check(FixedSeed);

    [Fact]
    public void Rounds_do_not_touch_one_another() => Prop.ForAll(Deliveries.Any.ToArbitrary(), messages =>
    {
        var (together, alone) = (new LedgerWorld(), new LedgerWorld());
        Array.ForEach(messages, message => together.Apply(message));
        Array.ForEach([.. messages.Where(IsOfFirstRound)], message => alone.Apply(message));

        Assert.Equivalent(alone.StateOf(Messages.RunA, 1).Reservations, together.StateOf(Messages.RunA, 1).Reservations, strict: true);
    }).Check(FixedSeed);

    private static bool IsOfFirstRound(object message) => message switch
    {
        ReserveBudget m => m.RunId == Messages.RunA && m.Round == 1,
        CommitBudget m => m.RunId == Messages.RunA && m.Round == 1,
        RefundBudget m => m.RunId == Messages.RunA && m.Round == 1,
        _ => false,
    };

    private static void AssertSameAnswer(NaiveLedger naive, object message, IReadOnlyList<object> answers)
    {
        switch (message)
        {
            case ReserveBudget reserve:
                var (reserved, refused) = naive.Reserve(reserve);
                Assert.Equal(reserved, answers.OfType<BudgetReserved>().SelectMany(answer => answer.ClientIds));
                Assert.Equal(refused, answers.OfType<BudgetRefused>().SelectMany(answer => answer.Refused).Select(refusal => (refusal.ClientId, refusal.ReasonCode)));
                break;
            case CommitBudget commit:
                Assert.Equal(naive.Commit(commit), Assert.IsType<BudgetCommitted>(Assert.Single(answers)).Committed);
                break;
            case RefundBudget refund:
                naive.Refund(refund);
                Assert.Empty(answers);
                break;
            default:
                throw new ArgumentException($"{message} is no message to the ledger.");
        }
    }
}
