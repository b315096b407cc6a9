using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>Budgets: what fits is charged, what does not is refused, whatever the order and however often.</summary>
public class LedgerBudgetTests
{
    private const double Alpha = 8;
    private const double Delta = 1e-5;
    private static readonly Config FixedSeed = Config.QuickThrowOnFailure.WithReplay(2025, 7).WithMaxTest(200);

    /// <summary>ε that a number of Gaussian releases with z = 2 at order 8 uses up, and half of one more: α/(2z²) = 1 each.</summary>
    private static double EpsilonFor(int releases) => releases + 0.5 + Math.Log(1 - (1 / Alpha)) - (Math.Log(Delta * Alpha) / (Alpha - 1));

    private static LedgerPolicy PolicyFor(int releases) => new()
    {
        Defaults = new Dictionary<PrivacyUnit, BudgetTerms>
        {
            [PrivacyUnit.Client] = new() { Epsilon = EpsilonFor(releases), Delta = Delta, Alpha = Alpha },
        },
    };

    [Fact]
    public void A_budget_takes_what_fits_and_refuses_the_rest_with_the_sums()
    {
        var world = new LedgerWorld(PolicyFor(2));
        Assert.IsType<BudgetReserved>(Assert.Single(world.Apply(Gaussian(Messages.RunA, 1, "anna@north"))));
        Assert.IsType<BudgetReserved>(Assert.Single(world.Apply(Gaussian(Messages.RunA, 2, "anna@north"))));
        var refusal = Assert.Single(Assert.IsType<BudgetRefused>(Assert.Single(world.Apply(Gaussian(Messages.RunA, 3, "anna@north", "ben@south")).OfType<BudgetRefused>())).Refused);
        Assert.Equal(("anna", BudgetRefusalCode.BudgetExhausted), (refusal.ClientId, refusal.ReasonCode));
        Assert.Contains("2000000004 of 24999999", refusal.Detail);
        Assert.InRange(world.AccountOf("north", PrivacyUnit.Client).Spent, 2_000_000_000, 2_000_000_004);
        Assert.InRange(world.AccountOf("south", PrivacyUnit.Client).Spent, 1_000_000_000, 1_000_000_002);
    }

    [Fact]
    public void S34_a_budget_that_is_lowered_below_what_is_spent_admits_nothing_more_and_leaves_history_and_spending_as_they_are()
    {
        var world = new LedgerWorld(PolicyFor(3));
        world.Apply(Gaussian(Messages.RunA, 1, "anna@north"));
        world.Apply(Gaussian(Messages.RunA, 2, "anna@north"));
        world.Apply(Messages.Commit(Messages.RunA, 1));
        var (history, spent, epsilon) = (world.Entries.ToList(), world.AccountOf("north", PrivacyUnit.Client).Spent, Epsilon());

        world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Epsilon = EpsilonFor(1), Delta = Delta, Alpha = Alpha });

        Assert.Equal(BudgetRefusalCode.BudgetExhausted, Assert.Single(Assert.IsType<BudgetRefused>(Assert.Single(world.Apply(Gaussian(Messages.RunA, 3, "anna@north")))).Refused).ReasonCode);
        Assert.Equal(history, world.Entries.SkipLast(1));
        Assert.Equal((EntryKind.Budget, spent), (world.Entries[^1].Kind, world.AccountOf("north", PrivacyUnit.Client).Spent));
        // What is spent is told as it is, above the budget; what is open still becomes final; what is given back does not reopen it.
        Assert.Equal(epsilon, Epsilon());
        Assert.True(epsilon > EpsilonFor(1));
        Assert.Equal(EpsilonFor(1), world.Apply(Messages.Commit(Messages.RunA, 2)).OfType<PrivacySpent>().Single().Units[1].BudgetEpsilon);
        world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Epsilon = EpsilonFor(3), Delta = Delta, Alpha = Alpha });
        Assert.Single(world.Apply(Gaussian(Messages.RunA, 4, "anna@north")).OfType<BudgetReserved>());
        Assert.Null(LedgerVerification.FirstFault(world.Entries));

        double? Epsilon() => world.AccountOf("north", PrivacyUnit.Client).SpendingIn(PrivacyUnit.Client).Epsilon;
    }

    [Fact]
    public void A_charge_that_is_given_back_can_be_spent_again_and_one_that_is_committed_can_not()
    {
        var world = new LedgerWorld(PolicyFor(1));
        world.Apply(Gaussian(Messages.RunA, 1, "anna@north"));
        Assert.Single(world.Apply(Gaussian(Messages.RunB, 1, "anna@north")).OfType<BudgetRefused>());
        world.Apply(Messages.Refund(Messages.RunA, 1, "anna", 1));
        Assert.Equal(0, world.AccountOf("north", PrivacyUnit.Client).Spent);
        Assert.Single(world.Apply(Gaussian(Messages.RunB, 1, "anna@north")).OfType<BudgetReserved>());
        world.Apply(Messages.Commit(Messages.RunB, 1));
        world.Apply(Messages.Refund(Messages.RunB, 1, "anna", 1));
        Assert.Single(world.Apply(Gaussian(Messages.RunA, 2, "anna@north")).OfType<BudgetRefused>());
    }

    [Fact]
    public void Both_units_must_fit_or_neither_is_charged()
    {
        var world = new LedgerWorld();
        world.SetBudget("north", PrivacyUnit.Example, new BudgetTerms { Epsilon = EpsilonFor(1), Delta = Delta, Alpha = Alpha });
        Assert.Single(world.Apply(Gaussian(Messages.RunA, 1, "anna@north")).OfType<BudgetReserved>());
        Assert.Single(world.Apply(Gaussian(Messages.RunA, 2, "anna@north")).OfType<BudgetRefused>());
        Assert.Equal(2, world.Reservations.Count());
        Assert.InRange(world.AccountOf("north", PrivacyUnit.Client).Spent, 1, long.MaxValue);
    }

    [Fact]
    public void An_unbounded_charge_against_a_budget_is_refused_and_one_before_it_is_not_undone()
    {
        var world = new LedgerWorld();
        Assert.Single(world.Apply(Messages.Reserve(Messages.RunA, 1, 1, "anna@north")).OfType<BudgetReserved>());
        world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Epsilon = 3, Delta = Delta });
        Assert.Single(world.Apply(Messages.Reserve(Messages.RunA, 2, 1, "anna@north")).OfType<BudgetRefused>());
        Assert.Single(world.Apply(Gaussian(Messages.RunA, 2, "anna@north")).OfType<BudgetReserved>());
    }

    [Fact]
    public void The_order_is_kept_when_a_budget_changes()
    {
        var world = new LedgerWorld(PolicyFor(1));
        world.Apply(Gaussian(Messages.RunA, 1, "anna@north"));
        world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Epsilon = EpsilonFor(3), Delta = Delta, Alpha = 4 });
        Assert.Equal((Alpha, (double?)EpsilonFor(3)), (world.AccountOf("north", PrivacyUnit.Client).Measure!.Order, world.AccountOf("north", PrivacyUnit.Client).Budget!.Epsilon));
        Assert.Single(world.Apply(Gaussian(Messages.RunA, 2, "anna@north")).OfType<BudgetReserved>());
        Assert.Single(world.Apply(Gaussian(Messages.RunA, 3, "anna@north")).OfType<BudgetReserved>());
        Assert.Single(world.Apply(Gaussian(Messages.RunA, 4, "anna@north")).OfType<BudgetRefused>());
        Assert.Null(LedgerVerification.FirstFault(world.Entries));
    }

    [Fact]
    public void Whatever_is_delivered_an_account_is_the_sum_of_its_open_and_final_charges_and_never_above_its_budget() =>
        Prop.ForAll(Deliveries.Any.ToArbitrary(), messages =>
        {
            var world = new LedgerWorld(PolicyFor(2));
            foreach (var message in messages)
            {
                world.Apply(message is ReserveBudget reserve ? Messages.Gaussian(reserve) : message);
                foreach (var owner in new[] { "north", "south", "east" })
                {
                    var held = world.Reservations.Where(reservation =>
                        reservation.LedgerId == LedgerId.Of(Messages.LedgerOf(owner)) && reservation.Unit == PrivacyUnit.Client && reservation.State != ReservationState.Refunded).ToList();
                    Assert.InRange(held.Count, 0, 2);
                    Assert.Equal(held.Sum(reservation => Pricing.UnitsOf(reservation.Charge)), world.AccountOf(owner, PrivacyUnit.Client).Spent);
                }
            }

            Assert.Null(LedgerVerification.FirstFault(world.Entries));
        }).Check(FixedSeed);

    [Fact]
    public async Task What_is_kept_in_the_file_is_what_the_protocol_says()
    {
        var deliveries = Gen.Sample(from policy in Deliveries.Policies from messages in Deliveries.Budgeted select (policy, messages), 12, new Rnd(1234), 50);
        Assert.Equal(12, deliveries.Length);
        foreach (var (policy, messages) in deliveries)
        {
            await using var file = new LedgerFile(synced: false) { Policy = policy };
            var world = new LedgerWorld(policy);
            foreach (var message in messages)
            {
                world.Apply(message);
                Assert.Equal(world.Head, (await file.ApplyAsync(message)).State.Head);
            }

            await file.CloseAsync();
            Assert.Equal(world.Entries, file.Store.Entries(0, 1000));
            foreach (var ledger in Deliveries.ClientIds.SelectMany(file.Store.LedgersOf))
            {
                Assert.All(ledger.Units, unit =>
                {
                    var account = world.AccountOf(ledger.Ledger.Owner, unit.Unit);
                    Assert.Equal((account.Spent, account.Unbounded, account.Measure), (unit.SpentUnits, unit.Unbounded, PrivacyMeasure.Of(unit.Measure, unit.Alpha)));
                    Assert.Equal((account.Budget?.ShownEpsilon, account.Budget?.ShownDelta, account.Budget?.Rho), (unit.Budget?.Epsilon, unit.Budget?.Delta, unit.Budget?.Rho));
                });
            }
        }
    }

    [Fact]
    public void A_further_output_of_a_task_is_charged_once_for_each_hash_past_the_budget_and_after_the_commit()
    {
        var world = new LedgerWorld(PolicyFor(1));
        world.Apply(Gaussian(Messages.RunA, 1, "anna@north"));
        world.Apply(Messages.Commit(Messages.RunA, 1));
        var before = world.AccountOf("north", PrivacyUnit.Client).Spent;
        foreach (var (hash, told) in new[] { ("a1", 1), ("b2", 1), ("a1", 0) })
        {
            Assert.Equal(told, world.Apply(Messages.Output("anna", round: 1, hash.PadRight(64, '0'))).OfType<PrivacySpent>().Count());
        }

        Assert.Equal(3 * before, world.AccountOf("north", PrivacyUnit.Client).Spent);
        Assert.Equal(3 * 2, world.Reservations.Count());
        Assert.All(world.Reservations, reservation => Assert.Equal(ReservationState.Committed, reservation.State));
        Assert.Empty(world.Apply(Messages.Output("ben", round: 1, new string('c', 64)) with { ReservationId = ReservationId.Of(Messages.RunA, 1, "anna", 1) }));
        Assert.Equal(3 * before, world.AccountOf("north", PrivacyUnit.Client).Spent);
        Assert.Null(LedgerVerification.FirstFault(world.Entries));
    }

    [Fact]
    public void A_charge_below_what_its_event_costs_is_found_though_its_hash_is_right()
    {
        var world = new LedgerWorld(PolicyFor(1));
        world.Apply(Gaussian(Messages.RunA, 1, "anna@north"));
        var entries = world.Entries.ToList();
        var index = entries.FindIndex(entry => entry is { Kind: EntryKind.Reserve, Unit: PrivacyUnit.Client });
        Assert.Null(LedgerVerification.FirstFault(entries));
        var cheaper = entries[index] with { Charge = "999999990" };
        entries[index] = cheaper with { Hash = LedgerChain.HashOf(cheaper) };
        var fault = LedgerVerification.FirstFault(entries.Take(index + 1))!;
        Assert.Equal(index + 1, fault.Sequence);
        Assert.Contains("charge 999999990 is below", fault.Reason);
    }

    private static ReserveBudget Gaussian(Guid runId, int round, params string[] clients) => Messages.Gaussian(Messages.Reserve(runId, round, 1, clients));
}
