using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.PrivacyAccountant.Tests;

public class LedgerPropertyTests
{
    private static readonly Config FixedSeed = Config.QuickThrowOnFailure.WithReplay(2024, 1).WithMaxTest(300);

    private static readonly Arbitrary<(LedgerPolicy Policy, object[] Messages)> Budgeted =
        (from policy in Deliveries.Policies from messages in Deliveries.Budgeted select (policy, messages)).ToArbitrary();

    private static readonly (string Owner, PrivacyUnit Unit)[] Accounts =
        [.. from owner in Deliveries.Owners from unit in Enum.GetValues<PrivacyUnit>() select (owner, unit)];

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
    public void Ledgers_in_rho_and_at_orders_side_by_side_answer_as_the_rules_of_budgets_say() => Prop.ForAll(Budgeted, delivery =>
    {
        var world = new LedgerWorld();
        var budgets = new NaiveBudgets((owner, unit) => world.AccountOf(owner, unit).Measure?.Order, () => world.Policy);
        var naive = new NaiveLedger(budgets);
        foreach (var (index, message) in delivery.Messages.Index())
        {
            // Some ledgers have charges already when the default comes, perhaps of the other kind.
            world.Policy = index < delivery.Messages.Length / 3 ? world.Policy : delivery.Policy;
            AssertSameAnswer(naive, message, world.Apply(message), budgets);
        }

        Assert.Equal(naive.EntryCount, world.Entries.Count);
        foreach (var (owner, unit) in Accounts)
        {
            var (account, charges) = (world.AccountOf(owner, unit), naive.Charges(owner, unit).ToList());
            Assert.Equal(budgets.MeasureOf(owner, unit) is { } measure ? measure.InRho ? PrivacyMeasure.Zcdp : PrivacyMeasure.Renyi(measure.Alpha) : null, account.Measure);
            // Each charge is rounded up by at most one unit and the accountant's relative margin of 10⁻⁹.
            var spent = budgets.Spent(owner, unit, charges) * 1e9;
            Assert.InRange(account.Spent, spent - 1e-3, spent * (1 + 2e-9) + charges.Count);
            Assert.Equal(charges.Count(charge => charge.Mechanism == PrivacyMechanism.Unbounded), account.Unbounded);
        }

        Assert.Null(LedgerVerification.FirstFault(world.Entries));
    }).Check(FixedSeed);

    [Fact]
    public void Whenever_a_charge_is_admitted_its_account_holds_at_most_its_budget() => Prop.ForAll(Budgeted, delivery =>
    {
        var world = new LedgerWorld(delivery.Policy);
        foreach (var message in delivery.Messages)
        {
            var before = world.Entries.Count;
            world.Apply(message);
            var admitted = message is ReserveBudget ? world.Entries.Skip(before).Where(entry => entry.Kind == EntryKind.Reserve).ToList() : [];
            foreach (var account in admitted.Select(entry => world.StateOf(Messages.RunA, 1).Accounts[entry.Account!.Value]))
            {
                Assert.True(account is { Budget: null } or { Measure: not null });
                Assert.InRange(account.Spent, 0, account.Budget?.In(account.Measure!).Capacity ?? long.MaxValue);
            }
        }
    }).Check(FixedSeed);

    [Fact]
    public void Replaying_budgeted_charges_in_any_order_leaves_what_is_spent() => Prop.ForAll(Budgeted, delivery =>
    {
        var world = new LedgerWorld(delivery.Policy);
        Array.ForEach(delivery.Messages, message => world.Apply(message));
        var committed = delivery.Messages.OfType<CommitBudget>().ToList();
        var head = world.Head;
        // Rounds that are final: all that can be asked of them again has its answer.
        foreach (var message in delivery.Messages.OfType<ReserveBudget>().Where(reserve => committed.Exists(commit => commit.RoundId == reserve.RoundId)).Reverse<object>().Concat(committed))
        {
            world.Apply(message);
        }

        Assert.Equal(head, world.Head);
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

    private static void AssertSameAnswer(NaiveLedger naive, object message, IReadOnlyList<object> answers, NaiveBudgets? budgets = null)
    {
        switch (message)
        {
            case ReserveBudget reserve:
                var (reserved, refused) = naive.Reserve(reserve);
                Assert.Equal(reserved, answers.OfType<BudgetReserved>().SelectMany(answer => answer.ClientIds));
                Assert.Equal(refused, answers.OfType<BudgetRefused>().SelectMany(answer => answer.Refused).Select(refusal => (refusal.ClientId, refusal.ReasonCode)));
                break;
            case CommitBudget commit:
                Assert.Equal(naive.Commit(commit), Assert.Single(answers.OfType<BudgetCommitted>()).Committed);
                Assert.True(budgets is not null || answers.Count == 1);
                break;
            case RefundBudget refund:
                naive.Refund(refund);
                Assert.Empty(answers);
                break;
            case ChargeOutput output:
                Assert.True(naive.Output(output) || answers.Count == 0);
                break;
            case BudgetWish wish:
                Assert.Equal(budgets!.Set(wish.Owner, wish.Unit, wish.Terms), answers.Count == 0);
                break;
            default:
                throw new ArgumentException($"{message} is no message to the ledger.");
        }
    }
}
