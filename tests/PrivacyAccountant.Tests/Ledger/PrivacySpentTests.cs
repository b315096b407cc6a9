using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>Who is told what about spending, and who is not.</summary>
public class PrivacySpentTests
{
    // What DP-SGD is charged: the client as a whole has no bound.
    private static readonly PrivacyCharge[] DpSgd =
    [
        new() { Unit = PrivacyUnit.Example, Mechanism = PrivacyMechanism.SubsampledGaussian, NoiseMultiplier = 2, SamplingProbability = 0.1, Steps = 4 },
        new() { Unit = PrivacyUnit.Client, Mechanism = PrivacyMechanism.Unbounded },
    ];

    private readonly LedgerWorld _world = new();

    [Fact]
    public void A_run_without_privacy_sends_no_message_whatever_its_cohort()
    {
        _world.Apply(Messages.Reserve(Enumerable.Range(0, 200).Select(i => $"c{i}@o{i}")));

        Assert.IsType<BudgetCommitted>(Assert.Single(_world.Apply(Messages.Commit())));
    }

    [Fact]
    public void A_client_is_told_once_of_both_units_also_without_a_budget()
    {
        _world.Apply(Messages.Gaussian(Messages.Reserve("anna@north", "ben@south")));
        var answers = _world.Apply(Messages.Commit());

        Assert.Equal(["anna", "ben"], answers.OfType<PrivacySpent>().Select(spent => spent.ClientId));
        Assert.All(answers.OfType<PrivacySpent>().SelectMany(spent => spent.Units), unit =>
        {
            Assert.Equal((false, 1e-5, null), (unit.IsUnbounded, unit.Delta, unit.BudgetEpsilon));
            // One Gaussian of z = 2 at the order that is best for ε = 8; proposition 12 of arXiv:2004.00010.
            var alpha = _world.AccountOf("north", unit.Unit).Measure!.Order!.Value;
            Assert.Equal((alpha / 8) + Math.Log(1 - (1 / alpha)) - (Math.Log(1e-5 * alpha) / (alpha - 1)), unit.Epsilon!.Value, 1e-8);
        });
        Assert.Empty(_world.Apply(Messages.Commit()).OfType<PrivacySpent>());
    }

    [Fact]
    public void What_nothing_noises_is_told_as_unbounded_beside_what_is_bounded()
    {
        var message = Messages.Reserve("anna@north");
        _world.Apply(message with { Clients = [message.Clients[0] with { Charges = DpSgd }] });

        var spent = Assert.Single(_world.Apply(Messages.Commit()).OfType<PrivacySpent>());

        Assert.Equal([PrivacyUnit.Example, PrivacyUnit.Client], spent.Units.Select(unit => unit.Unit));
        Assert.Equal([false, true], spent.Units.Select(unit => unit.IsUnbounded));
        // Four steps of q = 0.1 and z = 2 cost next to nothing: it is the order that is best for ε = 8 which shows.
        Assert.InRange(spent.Units[0].Epsilon!.Value, 0.1, 4);
        Assert.Null(spent.Units[1].Epsilon);
    }

    [Fact]
    public void An_unbounded_charge_of_another_run_is_told_with_the_next_bounded_one_and_a_refunded_one_is_not()
    {
        _world.Apply(Messages.Reserve("anna@north", "ben@south"));
        _world.Apply(Messages.Refund("ben"));
        _world.Apply(Messages.Commit());
        _world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Rho = 0.3, Delta = 1e-6 });
        _world.Apply(Messages.Gaussian(Messages.Reserve(Messages.RunB, 1, 1, "anna@north", "ben@south")));

        var spent = _world.Apply(Messages.Commit(Messages.RunB, 1)).OfType<PrivacySpent>().ToList();

        Assert.All(spent[0].Units, unit => Assert.True(unit.IsUnbounded));
        Assert.All(spent[1].Units, unit => Assert.False(unit.IsUnbounded));
        // ε of ρ = 0.125 and of ρ = 0.3 at δ = 10⁻⁶: minimised over α on a fine grid apart from this program.
        var client = spent[0].Units[1];
        Assert.Equal((2.41909, 1e-6, 3.92006), (Math.Round(client.Epsilon!.Value, 5), client.Delta, Math.Round(client.BudgetEpsilon!.Value, 5)));
    }

    [Fact]
    public void A_further_output_is_told_when_it_is_charged()
    {
        _world.Apply(Messages.Gaussian(Messages.Reserve("anna@north")));
        var first = Assert.Single(_world.Apply(Messages.Commit()).OfType<PrivacySpent>());
        var further = Assert.Single(_world.Apply(Messages.Output("anna", round: 1, new string('c', 64))).OfType<PrivacySpent>());

        Assert.Equal(first with { Units = further.Units }, further);
        Assert.All(first.Units.Zip(further.Units), units => Assert.True(units.First.Epsilon < units.Second.Epsilon));
    }
}
