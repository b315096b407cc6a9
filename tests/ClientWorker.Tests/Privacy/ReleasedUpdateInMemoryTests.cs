namespace FlEvents.ClientWorker.Tests.Privacy;

public sealed class ReleasedUpdateInMemoryTests : ReleasedUpdateTests
{
    protected override Task<string?> NewBrokerUrlAsync() => Task.FromResult<string?>(null);
}
