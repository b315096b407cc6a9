using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Tests;

/// <summary>The server's own settings for a certificate do: Kestrel:Certificates:Default.</summary>
public sealed class HttpsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority;

    public HttpsTests() => _authority = new TestAuthority(_folder, "authority");

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_API_is_served_with_the_certificate_in_the_files_and_with_the_next_one_once_it_is_there()
    {
        var (certificate, key) = _authority.Give("service", "127.0.0.1");
        var shown = new List<string>();
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(TimeSpan.FromMinutes(1));

        // By an address of Kestrel:Endpoints: one of ASPNETCORE_URLS is served too, and keeps the certificate that it was started with.
        string[] expected = [Thumbprint(certificate), ""];
        await ServiceHost.RunAsync(
            [$"--Kestrel:Endpoints:Api:Url=https://127.0.0.1:{FreePort.Next()}", "--Bus:Transport=Memory", $"--Kestrel:Certificates:Default:Path={certificate}", $"--Kestrel:Certificates:Default:KeyPath={key}"],
            defaultPort: 0,
            builder =>
            {
                builder.Logging.ClearProviders();
                builder.AddBus(_ => { });
            },
            app => app.Lifetime.ApplicationStarted.Register(() => _ = Task.Run(async () =>
            {
                try
                {
                    var url = app.Urls.First();
                    shown.Add(await ShownAsync(url, late.Token));
                    _authority.Give("service", "127.0.0.1");
                    expected[1] = Thumbprint(certificate);
                    string next;
                    do
                    {
                        // The server looks at the files by itself, and is away for a moment when it begins anew.
                        await Task.Delay(TimeSpan.FromMilliseconds(20), late.Token);
                        next = await ShownAsync(url, late.Token);
                    }
                    while (next is "" || next == expected[0]);

                    shown.Add(next);
                }
                finally
                {
                    app.Lifetime.StopApplication();
                }
            })));

        Assert.Equal(expected, shown);
    }

    private static string Thumbprint(string file)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(file);
        return certificate.Thumbprint;
    }

    // Every connection anew, and what it shows.
    private static async Task<string> ShownAsync(string url, CancellationToken cancellationToken)
    {
        var thumbprint = "";
        using var handler = new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => (thumbprint = ((X509Certificate2)shown!).Thumbprint).Length > 0 } };
        using var http = new HttpClient(handler) { BaseAddress = new Uri(url) };
        try
        {
            await http.GetStringAsync("alive", cancellationToken);
            return thumbprint;
        }
        catch (HttpRequestException)
        {
            return "";
        }
    }
}
