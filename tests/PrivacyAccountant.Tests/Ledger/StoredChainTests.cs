using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Testing;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>A log as it was read over HTTP from a ledger that knew no measure but Rényi divergence: its entries have no field for one.</summary>
public class StoredChainTests
{
    private static readonly string Text = File.ReadAllText(Repository.File("tests", "PrivacyAccountant.Tests", "Ledger", "StoredChain.json"));
    private static readonly List<LedgerEntry> Stored = JsonSerializer.Deserialize<List<LedgerEntry>>(Text, JsonSerializerOptions.Web)!;

    [Fact]
    public void A_log_from_before_measures_had_a_name_verifies_unchanged()
    {
        Assert.DoesNotContain("measure", Text, StringComparison.Ordinal);
        Assert.Equal(
            [EntryKind.Reserve, EntryKind.Commit, EntryKind.Refund, EntryKind.Budget],
            Stored.Select(entry => entry.Kind).Distinct().Order());
        Assert.Null(LedgerVerification.FirstFault(Stored, new LedgerReceipt { Sequence = 23, Hash = "598314f16a2dcc04977f3d236047d80f7d8d3415fbd286be59d40e45ba4b0797" }));
    }

    [Fact]
    public void The_same_messages_still_write_the_same_log()
    {
        var world = new LedgerWorld();
        world.Apply(Messages.Reserve("anna@north", "ben@south"));
        world.Apply(Messages.Refund("ben"));
        world.Apply(Messages.Commit());
        world.SetBudget("north", PrivacyUnit.Example, new BudgetTerms { Epsilon = 8, Delta = 1e-5 });
        world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Epsilon = 3, Delta = 1e-6, Alpha = 6.5 });
        PrivacyCharge[] charges =
        [
            new() { Unit = PrivacyUnit.Example, Mechanism = PrivacyMechanism.SubsampledGaussian, NoiseMultiplier = 1.1, SamplingProbability = 0.05, Steps = 20 },
            new() { Unit = PrivacyUnit.Client, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = 2.5 },
        ];
        var second = Messages.Reserve(Messages.RunA, 2, 1, "anna@north", "cem@east");
        world.Apply(second with { Clients = [.. second.Clients.Select(client => client with { Charges = charges })] });
        world.Apply(Messages.Commit(Messages.RunA, 2));
        world.Apply(Messages.Output("cem", round: 2, new string('a', 64)));
        world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Epsilon = 4, Delta = 1e-6 });

        Assert.Equal(Stored, world.Entries);
    }
}
