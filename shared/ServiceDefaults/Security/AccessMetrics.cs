using System.Diagnostics.Metrics;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>Callers who were turned away. Nothing that they sent becomes a label.</summary>
public sealed class AccessMetrics : IDisposable
{
    private readonly Meter _meter = new("FlEvents.Http");

    public AccessMetrics()
    {
        UnknownCallers = _meter.CreateCounter<long>("fl_http_unknown_callers_total", "{request}", "Requests refused because they showed no key or token that is known; the audit log leaves them out.");
        RateLimited = _meter.CreateCounter<long>("fl_http_rate_limited_total", "{request}", "Requests refused because their caller, or their address where nobody is known, has sent too many.");
    }

    internal Counter<long> UnknownCallers { get; }

    internal Counter<long> RateLimited { get; }

    public void Dispose() => _meter.Dispose();
}
