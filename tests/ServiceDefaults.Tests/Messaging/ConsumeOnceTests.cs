using System.Threading.Channels;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class ConsumeOnceTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TemporaryFolder _folder = new();
    private readonly Consumed _consumed = new();
    private IHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("Bus:Transport", (string?)"Memory")]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Faults>();
        builder.Services.AddServiceDatabase<NoteDatabase>(_ => TestDatabase.Settings(_folder.File("test.db")));
        builder.Services.AddSingleton(provider => new NoteStore(provider.GetRequiredService<NoteDatabase>()));
        builder.AddBus(bus =>
        {
            bus.AddConsumer<NoteTaker>().Endpoint(endpoint => endpoint.Name = "first");
            bus.AddConsumer<OtherNoteTaker>().Endpoint(endpoint => endpoint.Name = "second");
        });
        _host = builder.Build();
        var bus = _host.Services.GetRequiredService<IBusControl>();
        bus.ConnectConsumeObserver(_consumed);
        await _host.StartAsync();
        await bus.WaitForHealthStatus(BusHealthStatus.Healthy, Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_message_delivered_twice_has_one_effect()
    {
        var messageId = Guid.NewGuid();
        await SendAsync("first", "anna", messageId);
        await SendAsync("first", "anna", messageId);

        Assert.Equal([null, null], [await _consumed.NextAsync(), await _consumed.NextAsync()]);
        Assert.Equal(["anna"], Notes());
    }

    [Fact]
    public async Task Messages_with_ids_of_their_own_each_have_their_effect()
    {
        await SendAsync("first", "anna", Guid.NewGuid());
        await SendAsync("first", "anna", Guid.NewGuid());

        Assert.Equal([null, null], [await _consumed.NextAsync(), await _consumed.NextAsync()]);
        Assert.Equal(["anna", "anna"], Notes());
    }

    [Fact]
    public async Task Two_endpoints_of_one_database_each_receive_an_event()
    {
        await _host.Services.GetRequiredService<IBus>().Publish(new ClientLeft { ClientId = "anna" });

        Assert.Equal([null, null], [await _consumed.NextAsync(), await _consumed.NextAsync()]);
        Assert.Equal(["anna", "other anna"], Notes().Order());
    }

    [Fact]
    public async Task A_fault_of_the_disk_never_leaves_the_consumer()
    {
        _host.Services.GetRequiredService<Faults>().Left = 2;
        await SendAsync("first", "anna", Guid.NewGuid());

        Assert.Null(await _consumed.NextAsync());
        Assert.Equal(["anna"], Notes());
    }

    [Fact]
    public async Task A_message_that_was_thrown_may_come_again()
    {
        var messageId = Guid.NewGuid();
        await SendAsync("first", NoteTaker.Refused, messageId);
        Assert.Equal("not him", (await _consumed.NextAsync())?.Message);

        await SendAsync("first", "anna", messageId);
        Assert.Null(await _consumed.NextAsync());
        Assert.Equal(["anna"], Notes());
    }

    [Fact]
    public async Task A_message_without_an_id_is_thrown()
    {
        await SendAsync("first", "anna", messageId: null);

        Assert.Equal("ClientLeft has no messageId: a duplicate could not be told.", (await _consumed.NextAsync())?.Message);
        Assert.Empty(Notes());
    }

    private IReadOnlyList<string> Notes() => _host.Services.GetRequiredService<NoteStore>().Database.Notes();

    private async Task SendAsync(string exchange, string clientId, Guid? messageId)
    {
        var endpoint = await _host.Services.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"exchange:{exchange}"));
        await endpoint.Send(new ClientLeft { ClientId = clientId }, context => context.MessageId = messageId);
    }

    private sealed class Faults
    {
        public int Left { get; set; }
    }

    private sealed class NoteTaker(NoteStore notes, Faults faults) : IConsumer<ClientLeft>
    {
        public const string Refused = "zoe";

        public Task Consume(ConsumeContext<ClientLeft> context) => notes.Database.ConsumeAsync(context, transaction =>
        {
            transaction.AddNote(context.Message.ClientId);
            if (faults.Left-- > 0)
            {
                throw new IOException("no space");
            }

            if (context.Message.ClientId == Refused)
            {
                throw new InvalidDataException("not him");
            }
        });
    }

    private sealed class OtherNoteTaker(NoteStore notes) : IConsumer<ClientLeft>
    {
        public Task Consume(ConsumeContext<ClientLeft> context) =>
            notes.Database.ConsumeAsync(context, transaction => transaction.AddNote($"other {context.Message.ClientId}"));
    }

    private sealed class Consumed : IConsumeObserver
    {
        private readonly Channel<Exception?> _outcomes = Channel.CreateUnbounded<Exception?>();

        public async Task<Exception?> NextAsync()
        {
            using var patience = new CancellationTokenSource(Patience);
            return await _outcomes.Reader.ReadAsync(patience.Token);
        }

        public Task PreConsume<T>(ConsumeContext<T> context)
            where T : class => Task.CompletedTask;

        public Task PostConsume<T>(ConsumeContext<T> context)
            where T : class => _outcomes.Writer.WriteAsync(null).AsTask();

        public Task ConsumeFault<T>(ConsumeContext<T> context, Exception exception)
            where T : class => _outcomes.Writer.WriteAsync(exception).AsTask();
    }
}
