using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlEvents.Observability.Tests;

/// <summary>Takes what services send over OTLP/HTTP, and keeps it as it came.</summary>
internal sealed class TraceReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<byte[]> _traces = new();
    private readonly ConcurrentQueue<byte[]> _metrics = new();
    private readonly WebApplication _app;

    private TraceReceiver(WebApplication app)
    {
        _app = app;
        app.MapPost("/v1/traces", (HttpRequest request) => KeepAsync(request, _traces));
        app.MapPost("/v1/metrics", (HttpRequest request) => KeepAsync(request, _metrics));
    }

    public string Url => _app.Urls.First();

    public static async Task<TraceReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new TraceReceiver(builder.Build());
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Whether a service has sent a span of a trace. A message holds spans of one process, with its service's name and the trace's id as they are.</summary>
    public bool HasSpan(string service, Guid traceId) => _traces.Any(message => Holds(message, Encoding.UTF8.GetBytes(service)) && Holds(message, traceId.ToByteArray(bigEndian: true)));

    /// <summary>Whether a service has sent a metric.</summary>
    public bool HasMetric(string service, string name) => _metrics.Any(message => Holds(message, Encoding.UTF8.GetBytes(service)) && Holds(message, Encoding.UTF8.GetBytes(name)));

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static bool Holds(byte[] message, byte[] part) => message.AsSpan().IndexOf(part) >= 0;

    private static async Task<IResult> KeepAsync(HttpRequest request, ConcurrentQueue<byte[]> kept)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        kept.Enqueue(body.ToArray());
        return Results.Ok();
    }
}
