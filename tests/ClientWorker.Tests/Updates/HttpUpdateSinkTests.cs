using System.Net;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Tests.Updates;

public sealed class HttpUpdateSinkTests : IAsyncLifetime
{
    private static readonly Guid Reservation = ReservationId.Of(Commands.RunId, 1, "ward-000000", 1);
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];
    private static readonly BlobRef Update = Commands.RefOf(Bytes);
    private readonly UpdateServer _server = new(Reservation, "good-token");

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task An_update_goes_in_pieces_and_arrives_whole()
    {
        await Sink().SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None);
        Assert.Equal(Bytes, _server.Complete);
        Assert.Equal(["bytes 0-255/1000", "bytes 256-511/1000", "bytes 512-767/1000", "bytes 768-999/1000"], _server.Ranges);
    }

    [Fact]
    public async Task An_update_of_one_piece_is_sent_without_asking_first()
    {
        await Sink(pieceBytes: 1000).SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None);
        Assert.Equal(Bytes, _server.Complete);
        Assert.Equal(0, _server.Asked);
    }

    [Fact]
    public async Task After_a_broken_connection_it_goes_on_from_what_was_received()
    {
        _server.BreakAfter(600);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => Sink().SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None));
        Assert.False(await Sink().HoldsAsync(Reservation, "good-token", Update, CancellationToken.None));
        await Sink().SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None);
        Assert.Equal(Bytes, _server.Complete);
        Assert.Equal("bytes 600-855/1000", _server.Ranges[^2]);
    }

    [Fact]
    public async Task The_same_update_again_sends_no_bytes()
    {
        await Sink().SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None);
        var requests = _server.Ranges.Count;
        Assert.True(await Sink().HoldsAsync(Reservation, "good-token", Update, CancellationToken.None));
        await Sink().SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None);
        Assert.Equal(requests, _server.Ranges.Count);
    }

    [Fact]
    public async Task A_wrong_token_is_refused_for_good()
    {
        var refused = await Assert.ThrowsAsync<UploadRefusedException>(
            () => Sink().SubmitAsync(Reservation, "old-token", Update, Bytes, signature: null, CancellationToken.None));
        Assert.Contains("401", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<UploadRefusedException>(() => Sink().HoldsAsync(Reservation, "old-token", Update, CancellationToken.None));
    }

    [Fact]
    public async Task Another_complete_update_is_refused_for_good()
    {
        _server.Answer = HttpStatusCode.Conflict;
        var refused = await Assert.ThrowsAsync<UploadRefusedException>(
            () => Sink().SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None));
        Assert.Contains("another update is there or announced", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound)]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    [InlineData(HttpStatusCode.TooManyRequests)]
    public async Task A_store_that_is_not_ready_is_to_be_asked_again(HttpStatusCode status)
    {
        _server.Answer = status;
        var fault = await Assert.ThrowsAsync<HttpRequestException>(
            () => Sink().SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None));
        Assert.Equal(status, fault.StatusCode);
    }

    [Fact]
    public async Task A_store_that_makes_no_progress_is_to_be_asked_again()
    {
        _server.Answer = HttpStatusCode.Accepted;
        await Assert.ThrowsAsync<HttpRequestException>(() => Sink().SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None));
    }

    [Fact]
    public async Task A_store_that_is_away_is_to_be_asked_again()
    {
        var sink = Sink();
        await _server.DisposeAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => sink.SubmitAsync(Reservation, "good-token", Update, Bytes, signature: null, CancellationToken.None));
    }

    private HttpUpdateSink Sink(int pieceBytes = 256) => new(new HttpClient { BaseAddress = _server.Address }, pieceBytes);
}
