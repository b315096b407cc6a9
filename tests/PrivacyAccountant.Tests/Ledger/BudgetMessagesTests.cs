using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

public class BudgetMessagesTests
{
    private static readonly ReserveBudget Good = Messages.Reserve("anna@north");

    [Fact]
    public void A_page_without_clients_or_with_more_than_256_is_thrown()
    {
        Thrown("Clients has 0 members; expected 1 to 256", Good with { Clients = [] });
        Thrown("Clients has 0 members", Good with { Clients = null! });
        Thrown("Clients has 257 members", Messages.Reserve(Enumerable.Range(0, 257).Select(i => $"c{i}@o{i}")));
        BudgetMessages.Check(Messages.Reserve(Enumerable.Range(0, 256).Select(i => $"c{i}@o{i}")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Anna")]
    [InlineData("anna/north")]
    [InlineData("änna")]
    [InlineData("anna\n")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void A_client_id_outside_its_alphabet_is_thrown_with_the_value(string clientId)
    {
        Thrown($"ClientId is \"{clientId}\"; expected 1 to 64 of a-z, 0-9 and -", Good with { Clients = [Good.Clients[0] with { ClientId = clientId }] });
        Assert.Contains($"\"{clientId}\"", Assert.Throws<InvalidDataException>(() => BudgetMessages.Check(Messages.Refund(clientId))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_named_twice_is_thrown() => Thrown("Clients has anna twice", Messages.Reserve("anna@north", "ben@south", "anna@south"));

    [Fact]
    public void Charges_other_than_one_of_each_unit_are_thrown()
    {
        Thrown("has 0 of unit client", Charged([Messages.Unbounded[0]]));
        Thrown("has 2 of unit example", Charged([.. Messages.Unbounded, Messages.Unbounded[0]]));
        Thrown("has 0 of unit example", Charged(null!));
    }

    [Fact]
    public void A_ledger_without_an_identity_is_thrown()
    {
        var ledger = Good.Clients[0].Ledger;
        Assert.All(
            [ledger with { Owner = "" }, ledger with { DataSet = "" }, ledger with { PartitionRule = null! }, ledger with { PartitionIndex = -1 }, null!],
            wrong => Thrown("the ledger of anna is", Good with { Clients = [Good.Clients[0] with { Ledger = wrong }] }));
    }

    [Fact]
    public void A_round_or_attempt_below_1_is_thrown()
    {
        Thrown("Round is 0", Good with { Round = 0 });
        Thrown("Attempt is 0", Good with { Attempt = 0 });
        Assert.Throws<InvalidDataException>(() => BudgetMessages.Check(Messages.Commit(Messages.RunA, 0)));
        Assert.Throws<InvalidDataException>(() => BudgetMessages.Check(Messages.Refund(Messages.RunA, 0, "anna", 1)));
    }

    [Fact]
    public void A_refund_without_a_known_proof_is_thrown()
    {
        BudgetMessages.Check(Messages.Refund("anna") with { ReasonCode = "REFUSED_BEFORE_LEASE" });
        var thrown = Assert.Throws<InvalidDataException>(() => BudgetMessages.Check(Messages.Refund("anna") with { ReasonCode = "EXPIRED" }));
        Assert.Equal("RefundBudget: ReasonCode is \"EXPIRED\"; expected NOT_DISPATCHED, UNDELIVERABLE, REFUSED_BEFORE_LEASE.", thrown.Message);
    }

    private static void Thrown(string expected, ReserveBudget message) =>
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => BudgetMessages.Check(message)).Message, StringComparison.Ordinal);

    private static ReserveBudget Charged(IReadOnlyList<PrivacyCharge> charges) =>
        Good with { Clients = [.. Good.Clients.Select(client => client with { Charges = charges })] };
}
