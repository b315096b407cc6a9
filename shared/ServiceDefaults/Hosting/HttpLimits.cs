using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Hosting;

/// <summary>Section <c>Limits</c>: what a caller may cost a service over HTTP, whoever it is (docs/reliability.md).</summary>
public sealed class HttpLimits
{
    public const string Section = "Limits";

    /// <summary>Largest body of a request, 1 MiB. An upload's own limit follows from its run's model.</summary>
    public const int LargestBodyBytes = 1 << 20;

    /// <summary>Connections at once; further ones are closed as they come. A connection that waits costs about 10 kB.</summary>
    [Range(1, 1_000_000)]
    public int Connections { get; set; } = 4096;

    /// <summary>Longest a request's line and headers may take, in seconds.</summary>
    [Range(1, 600)]
    public int HeaderSeconds { get; set; } = 15;

    /// <summary>Longest a connection may stay without a request, in seconds.</summary>
    [Range(1, 86400)]
    public int IdleSeconds { get; set; } = 120;

    /// <summary>
    /// Fewest bytes a second, on average over a request, of a body that is sent and of an answer that is taken; 0 for none. A quarter of the slowest mobile data there
    /// is (GPRS, 4 kB/s), so that an honest upload is not cut off.
    /// </summary>
    [Range(0, 1_000_000)]
    public int BytesPerSecond { get; set; } = 1024;

    /// <summary>How long a request may be below <see cref="BytesPerSecond"/>, in seconds: a line that stalls is given time to come back.</summary>
    [Range(2, 3600)]
    public int GraceSeconds { get; set; } = 10;

    internal static void Add(IServiceCollection services)
    {
        services.AddValidatedOptions<HttpLimits>(Section);
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<HttpLimits>>((server, limits) => limits.Value.Apply(server.Limits));
    }

    private void Apply(KestrelServerLimits server)
    {
        var rate = BytesPerSecond == 0 ? null : new MinDataRate(BytesPerSecond, TimeSpan.FromSeconds(GraceSeconds));
        server.MaxConcurrentConnections = Connections;
        server.MaxConcurrentUpgradedConnections = 0;
        server.MaxRequestBodySize = LargestBodyBytes;
        server.RequestHeadersTimeout = TimeSpan.FromSeconds(HeaderSeconds);
        server.KeepAliveTimeout = TimeSpan.FromSeconds(IdleSeconds);
        server.MinRequestBodyDataRate = rate;
        server.MinResponseDataRate = rate;
    }
}
