using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FlEvents.Aggregator.Tests.Api;

/// <summary>Requests as no client library sends them: cut off, or with a path as it stands.</summary>
internal sealed class RawHttp : IDisposable
{
    // Only a hang takes as long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TcpClient _client = new();
    private NetworkStream _stream = null!;

    public static async Task<RawHttp> ConnectAsync(Uri address)
    {
        var connection = new RawHttp();
        await connection._client.ConnectAsync(address.Host, address.Port);
        connection._stream = connection._client.GetStream();
        return connection;
    }

    public async Task SendAsync(string head, params byte[] body)
    {
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(head.ReplaceLineEndings("\r\n") + "\r\n\r\n"));
        await _stream.WriteAsync(body);
    }

    public Task SendBytesAsync(params byte[] body) => _stream.WriteAsync(body).AsTask();

    /// <summary>Status of the next answer, interim ones such as 100 too.</summary>
    public async Task<int> StatusAsync()
    {
        var line = new StringBuilder();
        var buffer = new byte[1];
        using var patience = new CancellationTokenSource(Patience);
        while (!line.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await _stream.ReadAsync(buffer, patience.Token) > 0)
        {
            line.Append((char)buffer[0]);
        }

        return int.Parse(line.ToString().Split(' ')[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Ends the sending side, as a client that dies.</summary>
    public void Cut() => _client.Client.Shutdown(SocketShutdown.Send);

    public void Dispose() => _client.Dispose();
}
