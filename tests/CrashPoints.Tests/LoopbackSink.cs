using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace FlEvents.CrashPoints.Tests;

/// <summary>Takes updates to the update store of the same process over HTTP, as in a deployment.</summary>
internal sealed class LoopbackSink(IServer server) : IUpdateSink, IDisposable
{
    private readonly HttpClient _http = new();
    private HttpUpdateSink? _sink;

    // Tasks of an earlier life are taken up before the server has its address.
    private HttpUpdateSink Sink
    {
        get
        {
            lock (_http)
            {
                if (_sink is null)
                {
                    var address = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault();
                    _http.BaseAddress = address is null || address.EndsWith(":0", StringComparison.Ordinal)
                        ? throw new HttpRequestException("The server has not started yet.")
                        : new Uri($"{address}/");
                    _sink = new HttpUpdateSink(_http);
                }

                return _sink;
            }
        }
    }

    public Task<bool> HoldsAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken) =>
        Sink.HoldsAsync(reservationId, leaseToken, update, cancellationToken);

    public Task SubmitAsync(Guid reservationId, string leaseToken, BlobRef update, ReadOnlyMemory<byte> bytes, UpdateSignature? signature, CancellationToken cancellationToken) =>
        Sink.SubmitAsync(reservationId, leaseToken, update, bytes, signature, cancellationToken);

    public void Dispose() => _http.Dispose();
}
