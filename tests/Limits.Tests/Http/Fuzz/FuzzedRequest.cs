using System.Globalization;
using System.Text;

namespace FlEvents.Limits.Tests.Http;

/// <summary>How a request says where its body ends.</summary>
internal enum Framing
{
    /// <summary>By its length.</summary>
    Length,

    /// <summary>In chunks.</summary>
    Chunks,

    /// <summary>By a length that is more than what comes.</summary>
    TooLong,

    /// <summary>By a length that is less.</summary>
    TooShort,

    /// <summary>In chunks, of which the last one does not come.</summary>
    Unfinished,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>A request as it goes over the wire; each character of its head is a byte.</summary>
internal sealed record FuzzedRequest
{
    public required string Method { get; set; }
    public required string Path { get; set; }
    public string Query { get; set; } = "";
    public List<(string Name, string Value)> Headers { get; init; } = [];
    public byte[] Body { get; set; } = [];
    public Framing Framing { get; set; } = Framing.None;

    /// <summary>Whether its sender ends his half of the connection, because more was promised than comes.</summary>
    public bool EndsEarly => Framing is Framing.TooLong or Framing.Unfinished;

    /// <summary>Whether another request can follow on the connection.</summary>
    public bool IsWhole => Framing is Framing.Length or Framing.Chunks or Framing.None;

    /// <summary>Puts a header in the place of all of its name.</summary>
    public void Set(string name, string value)
    {
        Headers.RemoveAll(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        Headers.Add((name, value));
    }

    public byte[] ToBytes(Uri server)
    {
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Method} {Path}{Query} HTTP/1.1\r\nHost: {server.Authority}\r\n");
        foreach (var (name, value) in Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        head.Append(Framing switch
        {
            Framing.Length => $"Content-Length: {Body.Length}\r\n",
            Framing.TooLong => $"Content-Length: {Body.Length + 10}\r\n",
            Framing.TooShort => $"Content-Length: {Body.Length / 2}\r\n",
            Framing.Chunks or Framing.Unfinished => "Transfer-Encoding: chunked\r\n",
            _ => "",
        });
        head.Append("\r\n");
        byte[] start = Encoding.Latin1.GetBytes(head.ToString());
        return Framing switch
        {
            Framing.None => start,
            Framing.Chunks or Framing.Unfinished =>
            [
                .. start,
                .. Body.Length == 0 ? [] : Encoding.ASCII.GetBytes($"{Body.Length:x}\r\n"),
                .. Body,
                .. Body.Length == 0 ? [] : "\r\n"u8.ToArray(),
                .. Framing == Framing.Chunks ? "0\r\n\r\n"u8.ToArray() : [],
            ],
            _ => [.. start, .. Body],
        };
    }

    /// <summary>Shows it, printable and cut off.</summary>
    public string Shown(Uri server)
    {
        const int Longest = 700;
        var bytes = ToBytes(server);
        return string.Concat(bytes.Take(Longest).Select(letter => letter is >= 32 and < 127 ? $"{(char)letter}" : letter == 10 ? "\n    " : letter == 13 ? "" : $"\\x{letter:x2}"))
            + (bytes.Length > Longest ? $"… ({bytes.Length} bytes)" : "");
    }
}
