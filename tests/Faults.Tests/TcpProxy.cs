using System.Net;
using System.Net.Sockets;
using System.Text;
using FlEvents.Testing;

namespace FlEvents.Faults.Tests;

/// <summary>Stands between services and their broker: cuts their connections, or swallows what the broker answers.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private const int BufferBytes = 1 << 16;

    private readonly TcpListener _listener;
    private readonly Uri _broker;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly List<TcpClient> _connections = [];
    private readonly Task _accepting;
    private byte[]? _holdAfter;
    private bool _isHolding;

    /// <param name="broker">Address that the services would have without the proxy.</param>
    public TcpProxy(string broker)
    {
        _broker = new Uri(broker);
        var port = FreePort.Next();
        Url = new UriBuilder(_broker) { Host = "127.0.0.1", Port = port }.Uri.ToString();
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>What services are given as <c>Bus__RabbitMqUrl</c>.</summary>
    public string Url { get; }

    /// <summary>Completes when answers are held back.</summary>
    public Task Held => _held.Task;

    /// <summary>From the first time that a service sends this text no answer of the broker comes through, until the connections are cut.</summary>
    public void HoldAnswersAfter(string text) => _holdAfter = Encoding.UTF8.GetBytes(text);

    /// <summary>Cuts every connection there is. New ones are let through.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _holdAfter = null;
            _isHolding = false;
            _connections.ForEach(connection => connection.Dispose());
            _connections.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        Cut();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                _ = ConnectAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ConnectAsync(TcpClient client)
    {
        var server = new TcpClient { NoDelay = true };
        client.NoDelay = true;
        try
        {
            await server.ConnectAsync(_broker.Host, _broker.Port);
            lock (_lock)
            {
                _connections.AddRange([client, server]);
            }

            await Task.WhenAny(PumpAsync(client, server, OnSent), PumpAsync(server, client, OnAnswered));
        }
        catch (SocketException)
        {
            // No broker: as if there were no proxy.
        }
        finally
        {
            client.Dispose();
            server.Dispose();
        }
    }

    private static async Task PumpAsync(TcpClient from, TcpClient to, Func<ReadOnlyMemory<byte>, bool> mayPass)
    {
        try
        {
            var buffer = new byte[BufferBytes];
            var (source, target) = (from.GetStream(), to.GetStream());
            while (await source.ReadAsync(buffer) is var count and > 0)
            {
                if (mayPass(buffer.AsMemory(0, count)))
                {
                    await target.WriteAsync(buffer.AsMemory(0, count));
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut.
        }
    }

    private bool OnSent(ReadOnlyMemory<byte> bytes)
    {
        // A message is written in one piece, and far smaller than the buffer.
        if (_holdAfter is { } text && bytes.Span.IndexOf(text) >= 0)
        {
            _isHolding = true;
            _held.TrySetResult();
        }

        return true;
    }

    private bool OnAnswered(ReadOnlyMemory<byte> bytes) => !_isHolding;
}
