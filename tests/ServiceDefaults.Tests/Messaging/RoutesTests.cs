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
}
