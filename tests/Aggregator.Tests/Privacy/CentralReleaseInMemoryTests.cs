namespace FlEvents.Aggregator.Tests.Privacy;

[Collection("host")]
public sealed class CentralReleaseInMemoryTests : CentralReleaseTests
{
    protected override Task<string?> NewBrokerUrlAsync() => Task.FromResult<string?>(null);
}
