using System.Diagnostics;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Testing;
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.Faults.Tests;

/// <summary>The product's bus on connections that break while messages are being written to them.</summary>
public sealed class ReconnectTests(RabbitMqBroker broker, ITestOutputHelper output)
{
    private const int Senders = 16;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task S25_an_endpoint_receives_again_after_every_cut_in_mid_publish()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var proxy = new TcpProxy(host.Url);
        using var service = Create(proxy.Url);
        var (bus, heard) = (service.Services.GetRequiredService<IBusControl>(), service.Services.GetRequiredService<Heard>());
        await service.StartAsync(TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        var sending = Enumerable.Range(0, Senders).Select(_ => SendAsync(bus, stop.Token)).ToList();

        var longest = TimeSpan.Zero;
        for (var cut = 0; cut < (Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1" ? 200 : 10); cut++)
        {
            await heard.AnotherAsync(Longest);
            proxy.Cut();
            var since = Stopwatch.GetTimestamp();
            await heard.AnotherAsync(Longest);
            longest = longest > Stopwatch.GetElapsedTime(since) ? longest : Stopwatch.GetElapsedTime(since);
        }

        output.WriteLine($"Longest time from a cut to the next message: {longest.TotalSeconds:0.0} s.");
        await stop.CancelAsync();
        await Task.WhenAll(sending);
        await service.StopAsync(CancellationToken.None);
    }

    /// <summary>What RabbitMQ.Client 7 does when a publish is being written as the connection ends: whoever came later than that is never told.</summary>
    [Fact]
    public async Task S25_an_endpoint_that_is_never_told_of_its_connection_s_end_receives_again()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var proxy = new TcpProxy(host.Url);
        var (never, isUntold) = (new TaskCompletionSource(), false);
        using var service = Create(proxy.Url, first => first.ConfigureChannel(channel => channel.UseExecute(context =>
            context.ConnectionContext.Connection.ConnectionShutdownAsync += (_, _) =>
            {
                Volatile.Write(ref isUntold, true);
                return never.Task;
            })));
        await service.StartAsync(TestContext.Current.CancellationToken);
        var bus = service.Services.GetRequiredService<IBusControl>();
        await bus.WaitForHealthStatus(BusHealthStatus.Healthy, Longest);

        var heard = new Heard();
        await bus.ConnectReceiveEndpoint("later", endpoint =>
        {
            ((IRabbitMqReceiveEndpointConfigurator)endpoint).ConfigureChannel(channel => channel.UseFilter(new ReceiveWatch("later", TimeProvider.System, NullLogger<ReceiveWatch>.Instance)));
            endpoint.Consumer(() => new Listener(heard));
        }).Ready;
        using var stop = new CancellationTokenSource();
        var sending = SendAsync(bus, stop.Token);
        await heard.AnotherAsync(Longest);
        proxy.Cut();
        await Eventually.HoldsAsync("the connection has ended", () => Volatile.Read(ref isUntold));
        await Task.Delay(TimeSpan.FromSeconds(1));
        await heard.AnotherAsync(Longest);

        await stop.CancelAsync();
        never.SetResult();
        await sending;
        await service.StopAsync(CancellationToken.None);
    }

    private static IHost Create(string url, Action<IRabbitMqReceiveEndpointConfigurator>? configure = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("Bus:RabbitMqUrl", (string?)url)]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Heard>();
        builder.AddBus(bus =>
        {
            bus.AddConsumer<Listener>().Endpoint(endpoint => endpoint.Name = Routes.Heartbeats);
            bus.AddConfigureEndpointsCallback((_, _, endpoint) => configure?.Invoke((IRabbitMqReceiveEndpointConfigurator)endpoint));
        });
        return builder.Build();
    }

    private static async Task SendAsync(IBusControl bus, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var heartbeat = new WorkerHeartbeat { WorkerId = "worker-1", Pool = "client", ClientId = null, Slots = 1, Running = 0 };
                await BoundedSend.RunAsync(token => bus.Publish(heartbeat, token), TimeProvider.System, stop);
            }
            catch (Exception) when (!stop.IsCancellationRequested)
            {
                // Cut off: the next one goes over a new connection.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private sealed class Listener(Heard heard) : IConsumer<WorkerHeartbeat>
    {
        public Task Consume(ConsumeContext<WorkerHeartbeat> context)
        {
            heard.Add();
            return Task.CompletedTask;
        }
    }

    private sealed class Heard
    {
        private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Add() => Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

        /// <summary>Waits for a message that is still to come.</summary>
        public Task AnotherAsync(TimeSpan longest) => Volatile.Read(ref _next).Task.WaitAsync(longest);
    }
}
