using System.Net;
using System.Net.Sockets;

namespace FlEvents.Standalone.Commands;

/// <summary>The address that the API of a run listens on.</summary>
internal static class ListenAddress
{
    /// <returns>What is wrong with it, as a sentence; null when it can be listened on now.</returns>
    public static string? Check(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttp || url.PathAndQuery != "/")
        {
            return $"expected an address such as http://127.0.0.1:5080, got \"{text}\".";
        }

        // Another name of this machine is the server's to resolve.
        var host = url.Host == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) ? address : null;
        if (host is null)
        {
            return null;
        }

        try
        {
            using var probe = new TcpListener(host, url.Port);
            probe.Start();
            return null;
        }
        catch (SocketException e)
        {
            return $"cannot listen on {text}: {e.Message}.";
        }
    }
}
