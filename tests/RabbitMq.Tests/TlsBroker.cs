using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

/// <summary>A broker that takes TLS connections with a certificate of its authority's, from those who show one of that authority's too.</summary>
public sealed class TlsBroker : IAsyncLifetime
{
    private readonly int _port = FreePort.Next();
    private RabbitMqProcess? _broker;

    public TlsBroker()
    {
        Authority = new TestAuthority(Folder, "authority");
        Stranger = new TestAuthority(Folder, "stranger");
        Client = Authority.Give("client", "orchestrator");
    }

    public TemporaryFolder Folder { get; } = new();

    public TestAuthority Authority { get; }

    /// <summary>An authority that gave the broker nothing.</summary>
    public TestAuthority Stranger { get; }

    /// <summary>The certificate that services show.</summary>
    public (string Certificate, string Key) Client { get; }

    public string Url
    {
        get
        {
            Assert.SkipWhen(_broker is null, "No RabbitMQ that a test can configure: install Debian's (apt-get install --no-install-recommends rabbitmq-server).");
            return UrlOf(_port);
        }
    }

    public static string UrlOf(int port) => $"amqps://guest:guest@127.0.0.1:{port}/";

    /// <summary>What a service is given to know the broker and be known.</summary>
    public Dictionary<string, string?> Settings => new()
    {
        ["Bus__Tls__CaFile"] = Authority.File, ["Bus__Tls__CertificateFile"] = Client.Certificate, ["Bus__Tls__KeyFile"] = Client.Key,
    };

    /// <summary>A handler for calls to services whose certificates are of the authority.</summary>
    public HttpMessageHandler Trusting()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(Authority.File);
        return new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } };
    }

    public async ValueTask InitializeAsync()
    {
        if (!RabbitMqProcess.IsInstalled)
        {
            return;
        }

        var (certificate, key) = Authority.Give("broker", "127.0.0.1");
        _broker = new RabbitMqProcess($"""
            listeners.ssl.1 = 127.0.0.1:{_port}
            ssl_options.cacertfile = {Authority.File}
            ssl_options.certfile = {certificate}
            ssl_options.keyfile = {key}
            ssl_options.verify = verify_peer
            ssl_options.fail_if_no_peer_cert = true
            """);
        await _broker.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await (_broker?.DisposeAsync() ?? ValueTask.CompletedTask);
        Authority.Dispose();
        Stranger.Dispose();
        Folder.Dispose();
    }
}

/// <summary>Somebody at an address who shows a certificate, and is no broker.</summary>
internal sealed class Impostor : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _certificate;
    private readonly Task _serving;

    public Impostor((string Certificate, string Key) files)
    {
        _certificate = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url => TlsBroker.UrlOf(((IPEndPoint)_listener.LocalEndpoint).Port);

    /// <summary>Whether anybody has believed the certificate.</summary>
    public bool WasBelieved { get; private set; }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _certificate.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await using var stream = new SslStream(client.GetStream());
                await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate });

                // The greeting of the protocol comes only from a client that has found nothing wrong.
                WasBelieved |= await stream.ReadAsync(new byte[8]) > 0;
            }
            catch (Exception e) when (e is AuthenticationException or IOException)
            {
                // That is what a client does that does not believe it.
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
