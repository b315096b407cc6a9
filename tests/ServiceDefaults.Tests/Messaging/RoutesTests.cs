using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.ServiceDefaults.Tests;

public class RoutesTests
{
    [Theory]
    [InlineData(typeof(EnrollClient), "fl-orchestrator")]
    [InlineData(typeof(CreateModel), "fl-aggregator")]
    [InlineData(typeof(OpenRound), "fl-aggregator")]
    [InlineData(typeof(AggregateRound), "fl-aggregator")]
    [InlineData(typeof(ReserveBudget), "fl-privacy-accountant")]
    [InlineData(typeof(CommitBudget), "fl-privacy-accountant")]
    [InlineData(typeof(RefundBudget), "fl-privacy-accountant")]
    [InlineData(typeof(ChargeOutput), "fl-privacy-accountant")]
    [InlineData(typeof(LedgerReport), "fl-privacy-accountant")]
    public void A_command_has_one_owner(Type command, string owner) => Assert.Equal(owner, Routes.OwnerOf(command));

    [Fact]
    public void No_other_contract_has_an_owner()
    {
        // TrainClient and EvaluateModel too have no owner: they go to a worker that is chosen for each message; ReconcileLedger goes to two services.
        Type[] commands =
        [
            typeof(EnrollClient), typeof(CreateModel), typeof(OpenRound), typeof(AggregateRound), typeof(ReserveBudget), typeof(CommitBudget), typeof(RefundBudget),
            typeof(ChargeOutput), typeof(LedgerReport),
        ];
        var others = typeof(BlobRef).Assembly.GetExportedTypes().Except(commands);

        Assert.All(others, other => Assert.Null(Routes.OwnerOf(other)));
    }

    [Fact]
    public void Workers_are_reached_by_pool_or_by_client()
    {
        Assert.Equal("fl-pool-edge", Routes.Pool("edge"));
        Assert.Equal("fl-silo-hospital-1", Routes.Silo("hospital-1"));
    }

    [Theory]
    [InlineData(typeof(ReserveBudget), "fl-privacy-accountant", "FlEvents.Contracts:ReserveBudget")]
    [InlineData(typeof(TrainClient), "fl-pool-edge", "fl-pool-edge")]
    [InlineData(typeof(ReconcileLedger), "fl-aggregator", "fl-aggregator:ReconcileLedger")]
    public void A_service_is_reached_by_the_exchange_of_the_message_and_a_worker_by_its_own(Type message, string destination, string exchange) =>
        Assert.Equal(exchange, Routes.ExchangeOf(message, destination));

    [Theory]
    [InlineData("FlEvents.Contracts:UpdateSubmitted", true)]
    [InlineData("fl-aggregator", true)]
    [InlineData("", true)]
    [InlineData("FlEvents.Contracts:RoundAbandoned", false)]
    [InlineData("fl-orchestrator", false)]
    [InlineData("fl-aggregator-dead", false)]
    public void A_message_comes_by_its_own_exchange_or_its_queues(string exchange, bool may) => Assert.Equal(may, Routes.MayComeBy(exchange, typeof(UpdateSubmitted), "fl-aggregator"));
}
