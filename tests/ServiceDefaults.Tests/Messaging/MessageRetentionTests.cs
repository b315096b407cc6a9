using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class MessageRetentionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_received_message_is_forgotten_after_thirty_days_and_not_before()
    {
        var time = new FakeTime();
        await using var database = TestDatabase.Open(_folder.File("test.db"), time: time);
        using var retention = new MessageRetention(database, time);
        await ReceiveAsync("old");
        await retention.StartAsync(CancellationToken.None);
        await time.WhenTimersAsync();

        time.Advance(TimeSpan.FromDays(20));
        await ReceiveAsync("new");
        Assert.Equal(["new", "old"], database.Column("select endpoint from inbox order by endpoint"));

        time.Advance(TimeSpan.FromDays(11));
        // The deletion is queued when the timer fires; whoever is queued later finds it done, whichever turn it got.
        using var hung = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await CountAsync() > 1)
        {
            await Task.Delay(1, hung.Token);
        }

        Assert.Equal(["new"], database.Column("select endpoint from inbox"));
        await retention.StopAsync(CancellationToken.None);

        Task ReceiveAsync(string endpoint) => database.WriteAsync(transaction => transaction.TryReceive(endpoint, Guid.NewGuid()), CancellationToken.None);

        Task<long> CountAsync() => database.WriteAsync(transaction => transaction.Scalar<long>("select count(*) from inbox"), CancellationToken.None);
    }
}
