using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FlEvents.Limits.Tests.Http;

/// <summary>What came back for a request.</summary>
/// <param name="Status">0 where the connection was ended without an answer.</param>
/// <param name="Endpoint">Method and pattern of the endpoint that answered; empty where none did.</param>
/// <param name="Text">The answer, each byte a character.</param>
/// <param name="IsLeft">The caller has gone while the answer was under way, or before it began.</param>
internal sealed record FuzzedAnswer(int Status, string Endpoint, string Text, bool IsLeft)
{
    public static FuzzedAnswer Of(string text, bool isLeft) => new(
        text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && text.Length >= 12 ? int.Parse(text.AsSpan(9, 3), CultureInfo.InvariantCulture) : 0,
        Header(text, FuzzedHost.EndpointHeader) ?? "",
        text,
        isLeft);

    /// <summary>The value of a header; null where the answer has none of this name.</summary>
    public static string? Header(string text, string name)
    {
        var mark = $"\r\n{name}: ";
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return end >= 0 && text.IndexOf(mark, 0, end, StringComparison.OrdinalIgnoreCase) is >= 0 and var at
            ? text[(at + mark.Length)..text.IndexOf('\r', at + mark.Length)]
            : null;
    }
}

/// <summary>A connection to a service that is made again when the last request has spoilt it.</summary>
internal sealed class FuzzedConnection(Uri server) : IDisposable
{
    /// <summary>Longest that a caller waits for what may take its time.</summary>
    private static readonly TimeSpan ShortPatience = TimeSpan.FromMilliseconds(25);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly byte[] _buffer = new byte[1 << 16];
    private TcpClient? _client;

    public void Dispose() => _client?.Dispose();

    /// <summary>Sends a request and reads the answer; one that has no end is left after its first events.</summary>
    /// <param name="mayWait">Whether an answer may be long in coming: its caller then goes.</param>
    /// <exception cref="TimeoutException">There is no end of the answer.</exception>
    public async Task<FuzzedAnswer> AskAsync(FuzzedRequest request, bool mayWait)
    {
        var (text, isLeft, isWhole) = ("", false, false);
        try
        {
            _client ??= await ConnectAsync();
            var stream = _client.GetStream();
            await stream.WriteAsync(request.ToBytes(server), TestContext.Current.CancellationToken);
            if (request.EndsEarly)
            {
                _client.Client.Shutdown(SocketShutdown.Send);
            }

            (text, isLeft, isWhole) = await ReadAsync(stream, request.Method == "HEAD", mayWait);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // It was reset: more was on its way than anybody wanted.
        }

        // A body that nobody wanted may end the connection after the answer.
        var answer = FuzzedAnswer.Of(text, isLeft);
        if (!request.IsWhole || !isWhole || FuzzedAnswer.Header(text, "Connection") is not null || (request.Body.Length > 0 && answer.Status >= 400))
        {
            _client?.Dispose();
            _client = null;
        }

        return answer;
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(server.Host, server.Port, TestContext.Current.CancellationToken);
        return client;
    }

    /// <returns>The answer, whether it was left, and whether it is there to its end.</returns>
    private async Task<(string Text, bool IsLeft, bool IsWhole)> ReadAsync(NetworkStream stream, bool isHead, bool mayWait)
    {
        var text = "";
        while (true)
        {
            var isEndless = FuzzedAnswer.Header(text, "Content-Type")?.StartsWith("text/event-stream", StringComparison.Ordinal) == true;
            using var late = new CancellationTokenSource(isEndless || mayWait ? ShortPatience : Patience);
            try
            {
                var length = await stream.ReadAsync(_buffer, late.Token);
                if (length == 0)
                {
                    return (text, false, false);
                }

                text += Encoding.Latin1.GetString(_buffer, 0, length);
            }
            catch (OperationCanceledException) when (isEndless || mayWait)
            {
                return (text, true, false);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"No end of the answer after {Patience.TotalSeconds} s: {text}");
            }

            while (text.StartsWith("HTTP/1.1 1", StringComparison.Ordinal) && text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is >= 0 and var end)
            {
                text = text[(end + 4)..];
            }

            if (IsWhole(text, isHead))
            {
                return (text, false, true);
            }
        }
    }

    private static bool IsWhole(string text, bool isHead)
    {
        var start = text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        return start >= 4
            && (isHead
                || text[9..12] is "204" or "304"
                || (FuzzedAnswer.Header(text, "Content-Length") is { } length && text.Length - start >= long.Parse(length, CultureInfo.InvariantCulture))
                || (FuzzedAnswer.Header(text, "Transfer-Encoding") is not null && text.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal)));
    }
}
