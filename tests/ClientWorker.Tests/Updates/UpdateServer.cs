using System.Globalization;
using System.Net;
using FlEvents.ClientWorker.Updates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FlEvents.ClientWorker.Tests.Updates;

/// <summary>An update store of one reservation over real HTTP, which keeps what arrived of a broken request.</summary>
internal sealed class UpdateServer(Guid reservationId, string token) : IAsyncDisposable
{
    private readonly List<byte> _received = [];
    private WebApplication? _app;
    private long _breakAfter = long.MaxValue;

    public Uri Address => new(_app!.Urls.Single() + "/");

    /// <summary>Content-Range of every PUT.</summary>
    public List<string> Ranges { get; } = [];

    /// <summary>Requests that asked what had arrived.</summary>
    public int Asked { get; private set; }

    /// <summary>The whole update; null before its last byte.</summary>
    public byte[]? Complete { get; private set; }

    /// <summary>Answers every PUT with this, without taking its body.</summary>
    public HttpStatusCode? Answer { get; set; }

    /// <summary>Cuts the connection once, when so many bytes have been received.</summary>
    public void BreakAfter(long bytes) => _breakAfter = bytes;

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.MapMethods($"/updates/{reservationId:D}", ["HEAD"], Head);
        _app.MapPut($"/updates/{reservationId:D}", PutAsync);
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is { } app)
        {
            await app.DisposeAsync();
        }
    }

    private IResult Head(HttpContext context)
    {
        Asked++;
        if (context.Request.Headers[HttpUpdateSink.LeaseToken] != token)
        {
            return Results.Unauthorized();
        }

        context.Response.Headers[HttpUpdateSink.ReceivedBytes] = _received.Count.ToString(CultureInfo.InvariantCulture);
        return _received.Count == 0 ? Results.NotFound() : Results.Ok();
    }

    private async Task PutAsync(HttpContext context)
    {
        var range = context.Request.GetTypedHeaders().ContentRange!;
        Ranges.Add(context.Request.Headers.ContentRange.ToString());
        context.Response.Headers[HttpUpdateSink.ReceivedBytes] = _received.Count.ToString(CultureInfo.InvariantCulture);
        if (Answer is { } answer)
        {
            context.Response.StatusCode = (int)answer;
            return;
        }

        Assert.Equal(_received.Count, range.From);
        var buffer = new byte[1];
        while (await context.Request.Body.ReadAsync(buffer) > 0)
        {
            _received.Add(buffer[0]);
            if (_received.Count == _breakAfter)
            {
                _breakAfter = long.MaxValue;
                context.Abort();
                return;
            }
        }

        Complete = _received.Count == range.Length ? [.. _received] : null;
        context.Response.Headers[HttpUpdateSink.ReceivedBytes] = _received.Count.ToString(CultureInfo.InvariantCulture);
        context.Response.StatusCode = Complete is null ? StatusCodes.Status202Accepted : StatusCodes.Status201Created;
    }
}
