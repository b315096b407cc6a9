using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FlEvents.Limits.Tests.Http;

/// <summary>What a connection does that is not meant well.</summary>
internal enum Attack
{
    /// <summary>Nothing at all.</summary>
    Silence,

    /// <summary>Headers, a byte at a time.</summary>
    SlowHeaders,

    /// <summary>Headers without end, as fast as they are taken.</summary>
    EndlessHeaders,

    /// <summary>A body of 100,000 bytes, a byte at a time.</summary>
    SlowBody,

    /// <summary>A body that says that it has 10 GB, as fast as it is taken.</summary>
    HugeBody,

    /// <summary>A chunked body without end, as fast as it is taken.</summary>
    EndlessBody,
}

/// <summary>How an attack ended.</summary>
/// <param name="Status">Of the first answer; null without one.</param>
/// <param name="Sent">Bytes that the other side, or the network between, has taken.</param>
/// <param name="Lasted">Until the other side ended the connection.</param>
internal sealed record AttackEnd(int? Status, long Sent, TimeSpan Lasted);

internal static class Attacks
{
    private static readonly TimeSpan Drip = TimeSpan.FromMilliseconds(300);

    /// <summary>Goes on until the other side ends the connection.</summary>
    /// <param name="headers">Further headers, each with its line end.</param>
    public static async Task<AttackEnd> RunAsync(Uri server, Attack attack, string method, string path, string headers, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Host, server.Port, cancellationToken);
        var stream = client.GetStream();
        var started = Stopwatch.GetTimestamp();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sending = SendAsync(stream, Pieces(attack, method, path, headers), isSlow: attack is Attack.SlowHeaders or Attack.SlowBody, ended.Token);
        var status = await ReadToEndAsync(stream, cancellationToken);
        var lasted = Stopwatch.GetElapsedTime(started);
        await ended.CancelAsync();
        return new AttackEnd(status, await sending, lasted);
    }

    /// <summary>What is sent, piece by piece; the last one again and again.</summary>
    private static IEnumerable<string> Pieces(Attack attack, string method, string path, string headers)
    {
        var start = $"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}";
        var block = new string('x', 1 << 16);
        return attack switch
        {
            Attack.Silence => [],
            Attack.SlowHeaders => [$"{start}X-Slow: ", "x"],
            Attack.EndlessHeaders => Enumerable.Range(0, int.MaxValue).Select(i => string.Create(CultureInfo.InvariantCulture, $"X-{i}: {block[..100]}\r\n")).Prepend(start),
            Attack.SlowBody => [$"{start}Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n", " "],
            Attack.HugeBody => [$"{start}Content-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n", block],

            // Blanks, of which JSON may have any number: nothing but the size is wrong with it.
            _ => [$"{start}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", $"10000\r\n{new string(' ', 1 << 16)}\r\n"],
        };
    }

    private static async Task<long> SendAsync(NetworkStream stream, IEnumerable<string> pieces, bool isSlow, CancellationToken cancellationToken)
    {
        var sent = 0L;
        try
        {
            var piece = Array.Empty<byte>();
            foreach (var text in pieces)
            {
                piece = Encoding.ASCII.GetBytes(text);
                await stream.WriteAsync(piece, cancellationToken);
                sent += piece.Length;
            }

            while (piece.Length > 0)
            {
                if (isSlow)
                {
                    await Task.Delay(Drip, cancellationToken);
                }

                await stream.WriteAsync(piece, cancellationToken);
                sent += piece.Length;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The other side has had enough.
        }

        return sent;
    }

    private static async Task<int?> ReadToEndAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var head = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var length)
            {
                head.Append(Encoding.ASCII.GetString(buffer, 0, head.Length < 100 ? length : 0));
            }
        }
        catch (IOException)
        {
            // It was reset: more was on its way than anybody wanted.
        }

        return head.ToString().Split(' ') is ["HTTP/1.1", var status, ..] ? int.Parse(status, CultureInfo.InvariantCulture) : null;
    }
}
