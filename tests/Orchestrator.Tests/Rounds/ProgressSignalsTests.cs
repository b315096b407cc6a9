using FlEvents.Orchestrator.Rounds;

namespace FlEvents.Orchestrator.Tests.Rounds;

public sealed class ProgressSignalsTests
{
    [Fact]
    public async Task Nothing_is_kept_of_what_nobody_watches_any_more()
    {
        var signals = new ProgressSignals();
        var run = Guid.CreateVersion7();
        await foreach (var _ in signals.WatchAsync(run, TestContext.Current.CancellationToken))
        {
            Assert.Equal(1, signals.Watched);
            break;
        }

        signals.Changed(run);
        Assert.Equal(0, signals.Watched);
    }
}
