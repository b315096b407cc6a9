using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;

namespace FlEvents.Orchestrator.Tests.Rounds;

public class CohortSamplingTests
{
    [Fact]
    public void The_draw_depends_on_seed_and_round_and_not_on_the_order_of_the_clients()
    {
        var selection = new SelectionSpec { Count = 10 };
        var clients = Clients(100);
        var cohort = Ids(CohortSampling.Draw(7, 3, clients, selection).Cohort);
        Assert.Equal(cohort, Ids(CohortSampling.Draw(7, 3, clients.Reverse(), selection).Cohort));
        Assert.NotEqual(cohort, Ids(CohortSampling.Draw(7, 4, clients, selection).Cohort));
        Assert.NotEqual(cohort, Ids(CohortSampling.Draw(8, 3, clients, selection).Cohort));
        Assert.Equal(cohort.Order(StringComparer.Ordinal), cohort);
    }

    [Theory]
    [InlineData(null, null, 1, 0.0, 20, 20)]
    [InlineData(0.1, null, 1, 0.0, 2, 2)]
    [InlineData(0.11, null, 1, 0.0, 3, 3)]
    [InlineData(null, 5, 1, 0.3, 7, 5)]
    [InlineData(null, 50, 1, 0.0, 20, 20)]
    [InlineData(0.1, null, 4, 0.0, 4, 4)]
    [InlineData(null, 18, 1, 1.0, 20, 18)]
    public void The_cohort_has_the_size_that_the_run_asks_for(double? fraction, int? count, int minimum, double overSelection, int size, int target)
    {
        var selection = new SelectionSpec { Fraction = fraction, Count = count, MinimumClients = minimum, OverSelection = overSelection };
        var drawn = CohortSampling.Draw(1, 1, Clients(20), selection);
        Assert.Equal((size, target), (drawn.Cohort.Count, drawn.Target));
    }

    [Fact]
    public void At_most_one_client_of_a_ledger_is_drawn()
    {
        var twins = Clients(4).Select((client, i) => client with { Data = client.Data with { Ledger = client.Data.Ledger with { PartitionIndex = i / 2 } } });
        Assert.Equal(["client-00", "client-02"], Ids(CohortSampling.Draw(1, 1, twins, new SelectionSpec()).Cohort));
    }

    [Fact]
    public void Every_client_is_drawn_equally_often()
    {
        var counts = new Dictionary<string, int>();
        for (var round = 1; round <= 4000; round++)
        {
            foreach (var id in Ids(CohortSampling.Draw(1, round, Clients(10), new SelectionSpec { Count = 3 }).Cohort))
            {
                counts[id] = counts.GetValueOrDefault(id) + 1;
            }
        }

        // Binomial (4000, 0.3): standard deviation 29; six of them are passed with a probability below 10⁻⁸.
        Assert.All(counts.Values, count => Assert.InRange(count, 1200 - (6 * 29), 1200 + (6 * 29)));
        Assert.Equal(10, counts.Count);
    }

    private static List<string> Ids(IEnumerable<EligibleClient> clients) => clients.Select(client => client.ClientId).ToList();

    private static EligibleClient[] Clients(int count) => [.. Enumerable.Range(0, count).Select(i => new EligibleClient(
        $"client-{i:00}",
        "fl-pool-a",
        new ClientDataSet
        {
            Ledger = new LedgerIdentity { Owner = "a", DataSet = "digits", PartitionRule = "iid/20", PartitionSeed = 1, PartitionIndex = i },
            ExampleCount = 10,
        }))];
}
