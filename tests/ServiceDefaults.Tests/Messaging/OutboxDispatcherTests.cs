using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class OutboxDispatcherTests : IDisposable
{
    private static readonly Guid Run = Guid.Parse("0195a3c4-0000-7000-8000-00000000000a");
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("test.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_committed_event_is_published_under_its_id_and_noted_as_sent()
    {
        await using var host = await MemoryHost.StartAsync(FilePath);
        await host.SendLaterAsync(Left("anna"));

        var received = await host.NextAsync();

        Assert.Equal(Left("anna"), received.Message);
        Assert.Equal(host.Database.Column("select message_id from outbox"), [received.MessageId?.ToString("D")!]);
        await host.AllSentAsync();
    }

    [Fact]
    public async Task What_was_rolled_back_is_not_sent()
    {
        await using var host = await MemoryHost.StartAsync(FilePath);
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.Database.WriteAsync(
            transaction =>
            {
                transaction.Send(Left("never"));
                throw new InvalidOperationException();
            },
            CancellationToken.None));
        await host.SendLaterAsync(Left("anna"));

        Assert.Equal(Left("anna"), (await host.NextAsync()).Message);
    }

    [Fact]
    public async Task A_command_goes_to_its_owners_exchange()
    {
        await using var host = await MemoryHost.StartAsync(FilePath, endpoint: Routes.PrivacyAccountant);
        await host.SendLaterAsync(Commit(1));

        Assert.Equal(Commit(1), (await host.NextAsync()).Message);
    }

    [Fact]
    public async Task A_task_goes_to_the_exchange_it_was_addressed_to()
    {
        await using var host = await MemoryHost.StartAsync(FilePath, endpoint: Routes.Silo("anna"));
        await host.Database.WriteAsync(transaction => transaction.Send(Commit(1), Routes.Silo("anna")), CancellationToken.None);

        Assert.Equal(Commit(1), (await host.NextAsync()).Message);
    }

    [Fact]
    public async Task What_was_committed_and_not_sent_goes_out_after_the_next_start()
    {
        await using (var database = TestDatabase.Open(FilePath))
        {
            await database.WriteAsync(transaction => transaction.Send(Left("anna")), CancellationToken.None);
        }

        await using var host = await MemoryHost.StartAsync(FilePath);

        Assert.Equal(Left("anna"), (await host.NextAsync()).Message);
    }

    [Fact]
    public async Task On_the_memory_bus_whatever_is_not_forgotten_goes_out_again_after_a_restart_under_the_same_id()
    {
        MemoryHost.Received first;
        await using (var host = await MemoryHost.StartAsync(FilePath))
        {
            await host.SendLaterAsync(Left("anna"));
            first = await host.NextAsync();
            await host.AllSentAsync();
        }

        await using var restarted = await MemoryHost.StartAsync(FilePath);

        Assert.Equal(first, await restarted.NextAsync());
    }

    [Fact]
    public async Task What_was_forgotten_does_not_go_out_again()
    {
        await using (var host = await MemoryHost.StartAsync(FilePath, endpoint: Routes.PrivacyAccountant))
        {
            await host.SendLaterAsync(Commit(1), Commit(2));
            await host.NextAsync(2);
            await host.AllSentAsync();
            await host.Database.WriteAsync(transaction => transaction.ForgetSent(Run, round: 2), CancellationToken.None);
        }

        await using var restarted = await MemoryHost.StartAsync(FilePath, endpoint: Routes.PrivacyAccountant);

        Assert.Equal(Commit(2), (await restarted.NextAsync()).Message);
    }

    [Fact]
    public async Task A_batch_is_sent_before_the_next_one()
    {
        await using var host = await MemoryHost.StartAsync(FilePath);
        // Three batches of at most 256; within one the broker's confirms are awaited together, and the order is open.
        await host.SendLaterAsync(Enumerable.Range(0, 600).Select(i => Left($"{i}")));

        var batches = (await host.NextAsync(600)).Select(received => int.Parse(((ClientLeft)received.Message).ClientId, null) / 256);

        Assert.Equal(batches.Order(), batches);
    }

    [Fact]
    public async Task A_send_that_fails_is_tried_again()
    {
        var attempts = 0;
        var faults = new SendFaults((_, _) => Interlocked.Increment(ref attempts) <= 3 ? throw new InvalidOperationException("no broker") : Task.CompletedTask);
        await using var host = await MemoryHost.StartAsync(FilePath, onStarting: bus => bus.ConnectPublishObserver(faults));
        await host.SendLaterAsync(Left("anna"), Left("ben"));

        Assert.Equal([Left("anna"), Left("ben")], (await host.NextAsync(2)).Select(received => (ClientLeft)received.Message).OrderBy(left => left.ClientId));
        await host.AllSentAsync();
    }

    [Fact]
    public async Task A_send_that_never_ends_and_minds_no_token_is_left_behind_and_made_again()
    {
        using var disposed = new SemaphoreSlim(0);
        var attempts = 0;
        var faults = new SendFaults((_, token) =>
        {
            if (Interlocked.Increment(ref attempts) > 1)
            {
                return Task.CompletedTask;
            }

            // What RabbitMQ.Client 7 does to a send that waits while its channel is thrown away.
            var turn = disposed.WaitAsync(token);
            disposed.Dispose();
            return turn;
        });
        await using var host = await MemoryHost.StartAsync(FilePath, onStarting: bus => bus.ConnectPublishObserver(faults));
        await host.SendLaterAsync(Left("anna"));

        Assert.Equal(Left("anna"), (await host.NextAsync()).Message);
        await host.AllSentAsync();
        Assert.Equal(2, attempts);
    }

    [Fact]
    public async Task Every_message_that_no_queue_took_is_sent_again_and_holds_up_no_other()
    {
        // More than a batch of them, of which the first half stays away for longer than the second.
        var roundsBound = 1000;
        var faults = new SendFaults((message, _) =>
            ((CommitBudget)message).Round < Volatile.Read(ref roundsBound) ? throw new MessageReturnedException("no queue") : Task.CompletedTask);
        await using var host = await MemoryHost.StartAsync(FilePath, endpoint: Routes.PrivacyAccountant, onStarting: bus => bus.ConnectSendObserver(faults));
        await host.SendLaterAsync(Enumerable.Range(1, 600).Select(Commit));
        await host.SendLaterAsync(Left("anna"));
        Assert.Equal(Left("anna"), (await host.NextAsync()).Message);

        Volatile.Write(ref roundsBound, 301);
        Assert.Equal(Enumerable.Range(301, 300), (await host.NextAsync(300)).Select(received => ((CommitBudget)received.Message).Round).Order());

        Volatile.Write(ref roundsBound, 0);
        Assert.Equal(Enumerable.Range(1, 300), (await host.NextAsync(300)).Select(received => ((CommitBudget)received.Message).Round).Order());
        await host.AllSentAsync();
    }

    [Fact]
    public async Task A_database_that_cannot_write_is_unhealthy_until_it_can()
    {
        var (released, runs) = (false, 0);
        var failedTwice = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await MemoryHost.StartAsync(FilePath);
        var write = host.Database.WriteAsync(
            transaction =>
            {
                if (++runs == 2)
                {
                    failedTwice.SetResult();
                }

                transaction.AddNote(Volatile.Read(ref released) ? "through" : throw new IOException("no space"));
            },
            CancellationToken.None);
        await failedTwice.Task;

        var unhealthy = Assert.Single((await host.HealthAsync()).Entries).Value;
        Volatile.Write(ref released, true);
        await write;

        Assert.Equal("The test database cannot write: no space", unhealthy.Description);
        Assert.Contains("ready", unhealthy.Tags);
        Assert.Equal(Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy, (await host.HealthAsync()).Status);
    }

    private static ClientLeft Left(string clientId) => new() { ClientId = clientId };

    private static CommitBudget Commit(int round) => new() { RunId = Run, RoundId = ReservationId.OfRound(Run, round), Round = round };

    /// <summary>Fails sends as a broker would.</summary>
    private sealed class SendFaults(Func<object, CancellationToken, Task> attempt) : ISendObserver, IPublishObserver
    {
        public Task PreSend<T>(SendContext<T> context)
            where T : class => attempt(context.Message, context.CancellationToken);

        public Task PrePublish<T>(PublishContext<T> context)
            where T : class => attempt(context.Message, context.CancellationToken);

        public Task PostSend<T>(SendContext<T> context)
            where T : class => Task.CompletedTask;

        public Task SendFault<T>(SendContext<T> context, Exception exception)
            where T : class => Task.CompletedTask;

        public Task PostPublish<T>(PublishContext<T> context)
            where T : class => Task.CompletedTask;

        public Task PublishFault<T>(PublishContext<T> context, Exception exception)
            where T : class => Task.CompletedTask;
    }
}
