using System.Text;
using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

public class LedgerChainTests
{
    // Reference values: computed with Python's hashlib and uuid from the canonical form as docs/ledger.md states it.
    [Fact]
    public void Hashes_are_those_of_an_independent_computation()
    {
        var world = new LedgerWorld();
        world.Apply(Messages.Reserve("anna@north"));
        world.Apply(Messages.Refund("anna"));

        Assert.Equal(
            [
                "201b41123cc62816b2878e613ac77bbabcc674d9786e6300b2b52fdfd013f2a7",
                "7790c445528c71b8ec9d26a4b542e32a08c841cf335273c94ef4236c27b1c285",
                "666969c9c6a018f484a774d57a7484b4be6f744e51e70d9dab338e3cae131c24",
            ],
            world.Entries.Take(3).Select(entry => entry.Hash));
    }

    [Theory]
    [InlineData("north", "2e68229f-2a19-8458-baf2-bd50ce1bae80")]
    [InlineData("Zürich", "4d58d9d2-bdbc-8b74-86e7-bc3bda484e9b")]
    public void Ledger_ids_are_those_of_an_independent_computation(string owner, string ledgerId) =>
        Assert.Equal(Guid.Parse(ledgerId), LedgerId.Of(Messages.LedgerOf(owner)));

    [Fact]
    public void Every_part_of_an_identity_sets_ledgers_apart()
    {
        var identity = Messages.LedgerOf("north");
        Assert.All(
            [
                identity with { Owner = "south" },
                identity with { DataSet = "mnist" },
                identity with { PartitionRule = "iid/11" },
                identity with { PartitionSeed = 8 },
                identity with { PartitionIndex = 4 },
                identity with { Owner = "nort", DataSet = "hbank" },
            ],
            other => Assert.NotEqual(LedgerId.Of(identity), LedgerId.Of(other)));
    }

    [Fact]
    public void A_value_cannot_pass_for_two_fields()
    {
        Assert.NotEqual(CanonicalText.Of(("a", "1\nb=1:2")), CanonicalText.Of(("a", "1"), ("b", "2")));
        Assert.Equal("a=2:ü\n", Encoding.UTF8.GetString(CanonicalText.Of(("a", "ü"), ("b", null))));
    }

    [Fact]
    public void A_time_is_hashed_as_the_moment_it_is_whatever_its_offset()
    {
        var reservation = Reservation.Asked(Messages.Reserve("anna@north"), Messages.Reserve("anna@north").Clients[0])[0];
        var abroad = Messages.Noon.ToOffset(TimeSpan.FromHours(5));

        Assert.Equal(
            LedgerChain.Append(LedgerChain.Empty, EntryKind.Reserve, reservation, null, Messages.Noon),
            LedgerChain.Append(LedgerChain.Empty, EntryKind.Reserve, reservation, null, abroad));
    }
}
