using FlEvents.ClientWorker.Data;

namespace FlEvents.ClientWorker.Tests.Data;

public class ClientRosterTests
{
    [Fact]
    public void Ids_of_a_pool_have_six_digits_and_sort_by_index()
    {
        var roster = ClientRoster.OfPool("ward", 1_000_000);
        int[] indices = [0, 9, 10, 99_999, 100_000, 999_999];
        var ids = indices.Select(roster.IdOf).ToList();
        Assert.Equal("ward-000000", ids[0]);
        Assert.Equal("ward-999999", ids[^1]);
        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
        Assert.Equal(indices.Select(index => (int?)index), ids.Select(roster.IndexOf));
    }

    [Theory]
    [InlineData("ward-000003")]
    [InlineData("ward-00000")]
    [InlineData("ward-0000001")]
    [InlineData("ward--00001")]
    [InlineData("ward- 00001")]
    [InlineData("other-000001")]
    [InlineData("")]
    public void Other_ids_are_not_served(string clientId) => Assert.Null(ClientRoster.OfPool("ward", 3).IndexOf(clientId));

    [Fact]
    public void A_silo_serves_its_one_client()
    {
        var roster = ClientRoster.OfSilo("clinic");
        Assert.Equal((0, "clinic", 1), (roster.IndexOf("clinic"), roster.IdOf(0), roster.Count));
        Assert.Null(roster.IndexOf("clinic-000000"));
    }
}
