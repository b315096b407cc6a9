using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Tests;

public class OutboxSignalTests
{
    [Fact]
    public async Task Signals_that_nobody_waits_for_are_kept_as_one()
    {
        using var signal = new OutboxSignal();
        signal.Set();
        signal.Set();

        Assert.True(await signal.WaitAsync(TimeSpan.Zero, CancellationToken.None));
        Assert.False(await signal.WaitAsync(TimeSpan.Zero, CancellationToken.None));
    }
}
