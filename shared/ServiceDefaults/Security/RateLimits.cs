using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>
/// How often somebody may call a service: a bucket of requests for each known caller, and smaller ones for the addresses of strangers (docs/security.md). ASP.NET
/// has a middleware for that, which keeps a timer, and with it everything of its host, beyond the host's end.
/// </summary>
internal sealed class RateLimits(IOptions<SecurityOptions> security, AccessMetrics metrics) : IDisposable
{
    /// <summary>Strangers' buckets: memory does not grow with the addresses that they call from. Those whose addresses fall together share one.</summary>
    private const int StrangersBuckets = 4096;

    /// <summary>Bytes of an IPv6 address that one network has to itself; the others anybody chooses for himself.</summary>
    private const int NetworkBytes = 8;

    private readonly PartitionedRateLimiter<HttpContext> _buckets = PartitionedRateLimiter.Create<HttpContext, string>(http => PartitionOf(http, security.Value));

    public static void Add(IServiceCollection services) => services.AddSingleton<RateLimits>();

    public static void Use(WebApplication app) => app.Use(app.Services.GetRequiredService<RateLimits>().LimitAsync);

    public void Dispose() => _buckets.Dispose();

    private async Task LimitAsync(HttpContext http, RequestDelegate next)
    {
        using var lease = _buckets.AttemptAcquire(http);
        await (lease.IsAcquired ? next(http) : RefuseAsync(http, lease));
    }

    private static RateLimitPartition<string> PartitionOf(HttpContext http, SecurityOptions options)
    {
        // Where nobody is asked, whoever comes may do worse. Workers' blobs are bounded by leases, sizes and connections.
        if (options.IsOpen || http.GetEndpoint()?.Metadata.GetMetadata<DisableRateLimitingAttribute>() is not null
            || (Access.IsOpenToLeases(http.GetEndpoint()) && Access.ScopesOf(http.User).Contains(Scopes.BlobsClient)))
        {
            return RateLimitPartition.GetNoLimiter("");
        }

        return Access.IsKnown(http.User)
            ? BucketOf($"caller {http.User.Identity?.Name}", options.RequestsPerSecond, options.RequestsAtOnce)
            : BucketOf($"address {SlotOf(Access.AddressOf(http))}", options.StrangersRequestsPerSecond, options.StrangersRequestsAtOnce);
    }

    private static RateLimitPartition<string> BucketOf(string key, double perSecond, int atOnce)
    {
        var period = TimeSpan.FromSeconds(Math.Max(1, 1 / perSecond));
        return RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = atOnce,
            TokensPerPeriod = Math.Max(1, (int)Math.Round(perSecond * period.TotalSeconds)),
            ReplenishmentPeriod = period,
            QueueLimit = 0,
        });
    }

    /// <summary>The bucket of an address, 0 to <see cref="StrangersBuckets"/> − 1; another one in each process, so that nobody can aim at somebody else's.</summary>
    internal static int SlotOf(IPAddress? address)
    {
        var bytes = address?.GetAddressBytes() ?? [];
        var hash = default(HashCode);
        hash.AddBytes(address?.AddressFamily == AddressFamily.InterNetworkV6 ? bytes.AsSpan(0, NetworkBytes) : bytes);
        return (int)((uint)hash.ToHashCode() % StrangersBuckets);
    }

    private Task RefuseAsync(HttpContext http, RateLimitLease lease)
    {
        metrics.RateLimited.Add(1);
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? (int)Math.Ceiling(after.TotalSeconds) : 1;
        http.Response.Headers.RetryAfter = Math.Max(1, wait).ToString(CultureInfo.InvariantCulture);
        return Results.Problem("Too many requests from this caller, or from this address; try again later.", statusCode: StatusCodes.Status429TooManyRequests).ExecuteAsync(http);
    }
}
