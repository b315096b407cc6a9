using System.Net.Sockets;
using System.Text;

namespace FlEvents.Limits.Tests.Http;

/// <summary>Requests as no client library would send them.</summary>
internal static class RawHttp
{
    // Only a server that goes on waiting takes as long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Sends a text, each character a byte, and reads until the other side closes the connection.</summary>
    /// <returns>All that was answered; what a reset has swallowed is not in it.</returns>
    /// <exception cref="OperationCanceledException">The other side has not closed the connection.</exception>
    public static async Task<string> SendAsync(Uri server, string request)
    {
        using var late = new CancellationTokenSource(Patience);
        using var client = new TcpClient();
        await client.ConnectAsync(server.Host, server.Port, late.Token);
        var stream = client.GetStream();
        var answer = new StringBuilder();
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request), late.Token);
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer, late.Token) is > 0 and var length)
            {
                answer.Append(Encoding.Latin1.GetString(buffer, 0, length));
            }
        }
        catch (IOException)
        {
            // It was reset: more was on its way than anybody wanted.
        }

        return answer.ToString();
    }

    /// <summary>Sends one request and ends the connection with it.</summary>
    /// <param name="headers">Further headers, each with its line end.</param>
    /// <returns>The status and the rest of the answer.</returns>
    public static async Task<(int Status, string Text)> AskAsync(Uri server, string method, string target, string headers = "", string body = "")
    {
        var length = body.Length > 0 || method is not "GET" ? $"Content-Length: {body.Length}\r\n" : "";
        var answer = await SendAsync(server, $"{method} {target} HTTP/1.1\r\nHost: {server.Authority}\r\nConnection: close\r\n{headers}{length}\r\n{body}");
        return (StatusesOf(answer) is [var status] ? status : 0, answer);
    }

    /// <summary>The status of each answer in what a connection brought.</summary>
    public static List<int> StatusesOf(string answers) =>
        [.. answers.Split("HTTP/1.1 ").Skip(1).Select(answer => int.Parse(answer.AsSpan(0, 3), System.Globalization.CultureInfo.InvariantCulture))];
}
