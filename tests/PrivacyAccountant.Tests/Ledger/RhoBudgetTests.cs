using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>Budgets of ρ: what they charge, what they admit, what the log tells of them, and how the two kinds are kept apart.</summary>
public class RhoBudgetTests
{
    private static readonly BudgetTerms Rho = new() { Rho = 0.3, Delta = 1e-6 };

    private readonly LedgerWorld _world = new();

    public RhoBudgetTests()
    {
        _world.SetBudget("north", PrivacyUnit.Example, new BudgetTerms { Rho = 2 });
        _world.SetBudget("north", PrivacyUnit.Client, Rho);
    }

    // z = 2 costs ρ = 1/(2z²) = 0.125, so that 0.3 has room for two.
    [Fact]
    public void A_budget_of_rho_takes_what_fits_and_refuses_the_rest_with_the_sums()
    {
        Assert.IsType<BudgetReserved>(Assert.Single(_world.Apply(Gaussian(1))));
        Assert.IsType<BudgetReserved>(Assert.Single(_world.Apply(Gaussian(2))));
        var refusal = Assert.Single(Assert.IsType<BudgetRefused>(Assert.Single(_world.Apply(Gaussian(3)))).Refused);

        Assert.Equal(("anna", BudgetRefusalCode.BudgetExhausted), (refusal.ClientId, refusal.ReasonCode));
        Assert.Equal("A charge of 125000001 units in the unit client does not fit a budget of ρ = 0.3: 250000002 of 299999999 are spent.", refusal.Detail);
        Assert.Equal((PrivacyMeasure.Zcdp, 250_000_002), (_world.AccountOf("north", PrivacyUnit.Client).Measure, _world.AccountOf("north", PrivacyUnit.Client).Spent));
        Assert.Equal(250_000_002, _world.AccountOf("north", PrivacyUnit.Example).Spent);
        Assert.Null(LedgerVerification.FirstFault(_world.Entries));
    }

    // 20 steps at z = 1.1 cost 20/(2·1.1²) = 8.264462809917… whatever the sampling: q counts as 1.
    [Theory, InlineData(0.01), InlineData(0.05), InlineData(1.0)]
    public void Dp_sgd_is_charged_as_if_every_step_took_all_examples(double samplingProbability)
    {
        _world.SetBudget("north", PrivacyUnit.Example, new BudgetTerms { Rho = 9 });
        var message = Gaussian(1);
        PrivacyCharge[] charges =
        [
            new() { Unit = PrivacyUnit.Example, Mechanism = PrivacyMechanism.SubsampledGaussian, NoiseMultiplier = 1.1, SamplingProbability = samplingProbability, Steps = 20 },
            message.Clients[0].Charges[1],
        ];
        Assert.Single(_world.Apply(message with { Clients = [message.Clients[0] with { Charges = charges }] }).OfType<BudgetReserved>());

        // 8.264462809917 in units, above it by the accountant's margin of 10⁻⁹ and less than one unit of rounding.
        Assert.InRange(_world.AccountOf("north", PrivacyUnit.Example).Spent, 8_264_462_810, 8_264_462_819);
    }

    [Fact]
    public void An_unbounded_charge_against_a_budget_of_rho_is_refused_and_nothing_of_it_is_written()
    {
        var head = _world.Head;
        var refusal = Assert.Single(_world.Apply(Messages.Reserve("anna@north")).OfType<BudgetRefused>().Single().Refused);

        Assert.Equal("An unbounded charge in the unit example does not fit a budget of ρ = 2.", refusal.Detail);
        Assert.Equal(head, _world.Head);
    }

    [Fact]
    public void What_is_given_back_can_be_spent_again_and_a_further_output_is_charged_past_the_budget()
    {
        _world.Apply(Gaussian(1));
        _world.Apply(Messages.Refund("anna"));
        Assert.Equal(0, _world.AccountOf("north", PrivacyUnit.Client).Spent);
        _world.Apply(Gaussian(2));
        _world.Apply(Gaussian(3));
        _world.Apply(Messages.Commit(Messages.RunA, 2));
        _world.Apply(Messages.Output("anna", round: 2, new string('b', 64)));

        Assert.Equal(3 * 125_000_001, _world.AccountOf("north", PrivacyUnit.Client).Spent);
        Assert.Single(_world.Apply(Gaussian(4)).OfType<BudgetRefused>());
        Assert.Null(LedgerVerification.FirstFault(_world.Entries));
    }

    // Reference values: computed with Python's hashlib from the canonical form as docs/ledger.md states it.
    [Fact]
    public void An_entry_in_rho_names_its_measure_and_has_no_order()
    {
        _world.Apply(Gaussian(1));

        Assert.Equal(
            [
                "526f9d754755cd883e5c8e3552d9f6ee6164d89607bd98f45765f17e934efa7d",
                "7898a3727f28c57e0d94c780fdaea8ee4a0a39e556eb1a823fc8b62606ec5eb3",
                "85cc2f35230dedf092365f68d6d6673f9dd5647d297d1e05247d64b11535e0f6",
                "46a76a230148cb0ec44394dd50d754e2d4e42e3ae1e2d4556171afdbd30bd4e2",
            ],
            _world.Entries.Select(entry => entry.Hash));
        Assert.All(_world.Entries, entry => Assert.Equal(("zcdp", null), (entry.Measure, entry.Alpha)));
        Assert.Equal("""{"delta":1E-06,"rho":0.3}""", _world.Entries[1].Event);
    }

    [Fact]
    public void A_forged_entry_is_found_though_its_hash_is_right()
    {
        _world.Apply(Gaussian(1));
        Assert.Null(LedgerVerification.FirstFault(_world.Entries));

        Forged("charge 124999999 is below 125000001, which its event costs in ρ of zCDP", entry => entry with { Charge = "124999999" });
        Forged("it counts in Rényi divergence at α = 2, its account in ρ of zCDP", entry => entry with { Measure = null, Alpha = 2 });
        Forged("\"zcdp\" with order 2 is no measure", entry => entry with { Alpha = 2 });
        Forged("\"tcdp\" with order  is no measure", entry => entry with { Measure = "tcdp" });
        Forged("can't be computed from its event in no measure", entry => entry with { Measure = null });
    }

    [Fact]
    public void A_budget_that_does_not_state_its_entrys_measure_is_found()
    {
        var entry = _world.Entries[0] with { Event = """{"epsilon":8,"delta":1E-05}""" };
        var fault = LedgerVerification.FirstFault([entry with { Hash = LedgerChain.HashOf(entry) }]);

        Assert.Equal(1, fault?.Sequence);
        Assert.Contains("is no budget in the entry's measure", fault?.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_budget_of_the_other_kind_is_refused_with_both_named_and_nothing_is_written()
    {
        _world.Apply(Gaussian(1));
        _world.Apply(Messages.Gaussian(Messages.Reserve(Messages.RunA, 1, 1, "ben@south")));
        var head = _world.Head;

        var epsilon = Assert.Throws<OtherMeasureException>(() => _world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Epsilon = 3, Delta = 1e-5 }));
        Assert.Equal(
            "A budget of ε = 3 at δ = 1E-05 does not count the ledger's charges, which are in ρ of zCDP since its first charge or budget: expected rho.",
            epsilon.Message);
        var rho = Assert.Throws<OtherMeasureException>(() => _world.SetBudget("south", PrivacyUnit.Client, Rho));
        Assert.Matches("^A budget of ρ = 0.3 does not count .* in Rényi divergence at α = [0-9.]+ since .*: expected epsilon and delta.$", rho.Message);
        Assert.Equal(head, _world.Head);
    }

    [Fact]
    public void Rho_can_be_changed_and_a_budget_that_fixed_no_measure_yet_replaced()
    {
        _world.Apply(Gaussian(1));
        _world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Rho = 0.2 });
        Assert.Single(_world.Apply(Gaussian(2)).OfType<BudgetRefused>());
        _world.SetBudget("south", PrivacyUnit.Client, new BudgetTerms { Epsilon = 3, Delta = 1e-5 });
        _world.SetBudget("south", PrivacyUnit.Client, Rho);

        Assert.Equal((PrivacyMeasure.Zcdp, Rho), (_world.AccountOf("south", PrivacyUnit.Client).Measure, _world.AccountOf("south", PrivacyUnit.Client).Budget));
        Assert.Null(LedgerVerification.FirstFault(_world.Entries));
    }

    [Fact]
    public void The_same_budget_again_writes_nothing_also_after_its_order_was_fixed()
    {
        var head = _world.Head;
        _world.SetBudget("north", PrivacyUnit.Client, Rho);
        Assert.Equal(head, _world.Head);

        var terms = new BudgetTerms { Epsilon = 8, Delta = 1e-5 };
        _world.SetBudget("south", PrivacyUnit.Client, terms);
        _world.Apply(Messages.Gaussian(Messages.Reserve("ben@south")));
        head = _world.Head;
        _world.SetBudget("south", PrivacyUnit.Client, terms);
        Assert.Equal(head, _world.Head);
    }

    [Fact]
    public void A_default_budget_of_rho_fixes_a_new_ledgers_measure_also_after_unbounded_charges()
    {
        var world = new LedgerWorld();
        world.Apply(Messages.Reserve("anna@north"));
        var message = Messages.Gaussian(Messages.Reserve(Messages.RunA, 2, 1, "anna@north", "ben@south"));

        var decision = Ledger.On(world.StateOf(Messages.RunA, 2), message, Default(new BudgetTerms { Rho = 0.2 }), Messages.Noon);

        Assert.Equal(["anna", "ben"], decision.Messages.OfType<BudgetReserved>().Single().ClientIds);
        Assert.All(decision.State.Accounts, account => Assert.Equal(account.Key.Unit == PrivacyUnit.Client, account.Value.Measure == PrivacyMeasure.Zcdp));
        Assert.All(decision.Entries.Where(entry => entry.Kind == EntryKind.Budget), entry => Assert.Equal(PrivacyUnit.Client, entry.Unit));
        Assert.Null(LedgerVerification.FirstFault([.. world.Entries, .. decision.Entries]));
    }

    // A ledger that was charged while nobody had set a budget: its charges are at an order, and no sum of them is a ρ.
    [Fact]
    public void A_default_budget_of_the_other_kind_admits_nothing_to_a_ledger_with_charges()
    {
        var world = new LedgerWorld();
        world.Apply(Messages.Gaussian(Messages.Reserve("anna@north")));
        var (state, message) = (world.StateOf(Messages.RunA, 2), Messages.Gaussian(Messages.Reserve(Messages.RunA, 2, 1, "anna@north", "ben@south")));

        var decision = Ledger.On(state, message, Default(new BudgetTerms { Rho = 100 }), Messages.Noon);

        var refusal = Assert.Single(decision.Messages.OfType<BudgetRefused>().Single().Refused);
        Assert.Equal(("anna", BudgetRefusalCode.BudgetExhausted), (refusal.ClientId, refusal.ReasonCode));
        Assert.Matches("^A budget of ρ = 100 does not count .* in Rényi divergence at α = [0-9.]+ since .*: expected epsilon and delta.$", refusal.Detail);
        Assert.Equal(["ben"], decision.Messages.OfType<BudgetReserved>().Single().ClientIds);
        Assert.All(decision.Entries, entry => Assert.NotEqual("anna", entry.ClientId));
    }

    private static LedgerPolicy Default(BudgetTerms client) => new() { Defaults = new Dictionary<PrivacyUnit, BudgetTerms> { [PrivacyUnit.Client] = client } };

    private static ReserveBudget Gaussian(int round) => Messages.Gaussian(Messages.Reserve(Messages.RunA, round, 1, "anna@north"));

    private void Forged(string expected, Func<LedgerEntry, LedgerEntry> change)
    {
        var changed = change(_world.Entries[^1]);
        var fault = LedgerVerification.FirstFault([.. _world.Entries.SkipLast(1), changed with { Hash = LedgerChain.HashOf(changed) }]);
        Assert.Equal(_world.Entries.Count, fault?.Sequence);
        Assert.Contains(expected, fault?.Reason, StringComparison.Ordinal);
    }
}
