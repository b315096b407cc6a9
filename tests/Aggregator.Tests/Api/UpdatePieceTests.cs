using System.Net;
using System.Net.Http.Headers;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Api;

[Collection("host")]
public sealed class UpdatePieceTests : IAsyncLifetime
{
    private static readonly byte[] Update = Messages.Bytes(Messages.Delta("anna"));
    private readonly TemporaryFolder _folder = new();
    private AggregatorHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await AggregatorHost.StartAsync(_folder.Path);
        await _host.CreateAsync();
        await _host.DeliverAsync(Messages.OpenFor("anna", "ben"));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_chunked_body_as_long_as_its_range_is_taken() => Assert.Equal(HttpStatusCode.Created, await PutAsync(from: 0, isChunked: true));

    [Fact]
    public async Task A_piece_without_a_beginning_leaves_no_file()
    {
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, await PutAsync(from: 60, isChunked: false));
        Assert.Empty(Directory.EnumerateFiles(_folder.File("updates", "partial")));
    }

    private async Task<HttpStatusCode> PutAsync(int from, bool isChunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"updates/{Messages.Reservation("anna")}") { Content = new ByteArrayContent(Update[from..]) };
        request.Headers.Add("Lease-Token", Messages.Token("anna"));
        request.Headers.TransferEncodingChunked = isChunked;
        request.Content.Headers.ContentRange = new ContentRangeHeaderValue(from, Update.Length - 1, Update.Length);
        using var answer = await _host.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
