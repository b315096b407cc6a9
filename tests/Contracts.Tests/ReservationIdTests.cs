namespace FlEvents.Contracts.Tests;

public sealed class ReservationIdTests
{
    private static readonly Guid Run = Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e");

    // Computed apart from this program, with Python's hashlib and uuid over reservation|run|round|client|attempt and round|run|round.
    [Theory]
    [InlineData(1, "client-1", 1, "35891b47-89cf-8df8-b76e-b63ad52519e3")]
    [InlineData(1, "client-1", 2, "e9608414-ec62-8b81-a5d6-0ac96c6d14cd")]
    [InlineData(11, "client-1", 1, "9bfccd2d-2c70-855c-b07e-3e49e99fb84d")]
    public void A_reservation_has_the_id_that_the_published_rule_gives(int round, string clientId, int attempt, string expected) =>
        Assert.Equal(expected, ReservationId.Of(Run, round, clientId, attempt).ToString());

    [Fact]
    public void A_round_has_the_id_that_the_published_rule_gives() =>
        Assert.Equal("66c362a6-b8c8-8bee-8889-2b0588e862ed", ReservationId.OfRound(Run, 1).ToString());

    [Fact]
    public void Runs_rounds_clients_and_attempts_have_reservations_of_their_own()
    {
        Guid[] ids =
        [
            .. from run in new[] { Run, Guid.Empty }
               from round in new[] { 1, 2, 11, 12 }
               from client in new[] { "a", "b", "a-1", "1" }
               from attempt in new[] { 1, 2, 11 }
               select ReservationId.Of(run, round, client, attempt),
        ];

        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Equal((8, 2), (id.Version, id.Variant >> 2)));
    }
}
