using System.Net;
using System.Net.Http.Headers;
using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Storage;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Api;

[Collection("host")]
public sealed class UpdateEndpointsTests : IAsyncLifetime
{
    private static readonly Guid Task1 = Messages.Reservation("anna");
    private static readonly byte[] Update = Messages.Bytes(Messages.Delta("anna"));
    private static readonly BlobRef UpdateRef = Messages.RefOf(Update);
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

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public async Task Without_a_token_it_is_unauthorized(string? token)
    {
        using var put = Request(HttpMethod.Put, token, Update);
        using var head = Request(HttpMethod.Head, token);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _host.Http.SendAsync(put)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _host.Http.SendAsync(head)).StatusCode);
        AssertNothingStored();
    }

    [Theory]
    [InlineData("ben-1-token")]
    [InlineData("anna-2-token")]
    public async Task With_another_token_it_is_forbidden(string token)
    {
        using var put = Request(HttpMethod.Put, token, Update);
        using var head = Request(HttpMethod.Head, token);
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.Http.SendAsync(put)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.Http.SendAsync(head)).StatusCode);
        AssertNothingStored();
    }

    [Fact]
    public async Task The_token_of_a_lost_lease_opens_nothing_and_that_of_the_next_does()
    {
        await _host.DeliverAsync(Messages.Open(2, Messages.Member("anna", lease: 2)));
        Assert.Equal(HttpStatusCode.Forbidden, (await PutAsync(Update)).StatusCode);

        using var next = Request(HttpMethod.Put, "anna-2-token", Update);
        Assert.Equal(HttpStatusCode.Created, (await _host.Http.SendAsync(next)).StatusCode);
    }

    [Fact]
    public async Task The_token_of_a_lease_that_the_book_does_not_know_yet_is_to_be_shown_again()
    {
        // The worker has its task before the Aggregator has the page that tells of it.
        using var early = Request(HttpMethod.Put, LeaseToken.Of(2, "secret"), Update);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _host.Http.SendAsync(early)).StatusCode);
        AssertNothingStored();

        var renewed = Messages.Member("anna", lease: 2) with { LeaseTokenSha256 = Messages.Sha256(LeaseToken.Of(2, "secret")) };
        await _host.DeliverAsync(Messages.Open(2, renewed));
        using var old = Request(HttpMethod.Put, LeaseToken.Of(1, "secret"), Update);
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.Http.SendAsync(old)).StatusCode);
        using var next = Request(HttpMethod.Put, LeaseToken.Of(2, "secret"), Update);
        Assert.Equal(HttpStatusCode.Created, (await _host.Http.SendAsync(next)).StatusCode);
    }

    [Fact]
    public async Task A_later_lease_of_a_task_that_was_answered_is_not_waited_for()
    {
        await _host.SubmitAsync("anna");
        using var late = Request(HttpMethod.Put, LeaseToken.Of(2, "secret"), Update);
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.Http.SendAsync(late)).StatusCode);
    }

    [Fact]
    public async Task A_task_no_book_knows_yet_is_to_be_asked_for_again()
    {
        using var request = Request(HttpMethod.Put, "zoe-1-token", Update, task: Messages.Reservation("zoe"));
        using var answer = await _host.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter!.Delta);
    }

    [Theory, InlineData("x"), InlineData("..%2f..%2faggregator.db"), InlineData("0193b7a0"), InlineData("")]
    public async Task A_task_that_is_no_id_is_not_found(string task)
    {
        using var answer = await _host.Http.PutAsync($"updates/{task}", new ByteArrayContent(Update));
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task A_whole_update_needs_no_range()
    {
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(Update)).StatusCode);
        Assert.Equal(Update, await StoredAsync());
        Assert.Equal(Update.Length, await ReceivedAsync());
    }

    [Fact]
    public async Task An_update_that_a_crash_has_left_without_its_bytes_is_sent_again()
    {
        await _host.Database.WriteAsync(transaction => UploadStore.Insert(transaction, Task1, UpdateRef.Sha256, UpdateRef.SizeBytes), CancellationToken.None);
        Assert.Null(await ReceivedAsync());

        await Sink(pieceBytes: 100).SubmitAsync(Task1, "anna-1-token", UpdateRef, Update, signature: null, CancellationToken.None);
        Assert.Equal(Update, await StoredAsync());
    }

    [Fact]
    public async Task A_worker_is_not_told_that_its_update_is_there_because_another_one_of_the_same_length_is()
    {
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(Update)).StatusCode);
        var other = Messages.Bytes(Messages.Delta("ben"));
        Assert.Equal(Update.Length, other.Length);

        Task SubmitAsync() => Sink(pieceBytes: 100).SubmitAsync(Task1, "anna-1-token", Messages.RefOf(other), other, signature: null, CancellationToken.None);
        Task HoldsAsync() => Sink().HoldsAsync(Task1, "anna-1-token", Messages.RefOf(other), CancellationToken.None);
        Assert.Contains(UpdateRef.Sha256, (await Assert.ThrowsAsync<UploadRefusedException>(SubmitAsync)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<UploadRefusedException>(HoldsAsync);
        Assert.True(await Sink().HoldsAsync(Task1, "anna-1-token", UpdateRef, CancellationToken.None));
    }

    [Fact]
    public async Task Nothing_received_is_not_found() => Assert.Null(await ReceivedAsync());

    [Fact]
    public async Task Pieces_are_put_together()
    {
        await AcceptAsync(0, 50, expected: 50);
        await AcceptAsync(50, 70, expected: 70);
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(Update[70..], Range(70, Update.Length))).StatusCode);
        Assert.Equal(Update, await StoredAsync());
    }

    [Fact]
    public async Task A_piece_may_begin_again_within_what_was_received()
    {
        await AcceptAsync(0, 60, expected: 60);
        using var garbage = await PutAsync(new byte[20], Range(30, 50));
        Assert.Equal(50, Received(garbage));
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(Update[30..], Range(30, Update.Length))).StatusCode);
        Assert.Equal(Update, await StoredAsync());
    }

    [Fact]
    public async Task A_piece_behind_a_gap_is_refused_with_what_is_there()
    {
        await AcceptAsync(0, 50, expected: 50);
        using var answer = await PutAsync(Update[60..], Range(60, Update.Length));

        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, answer.StatusCode);
        Assert.Equal(50, Received(answer));
        Assert.Contains("not at 60", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unfinished_update_always_has_a_byte_to_send()
    {
        await AcceptAsync(0, 50, expected: 50);
        Assert.Equal(49, await ReceivedAsync());

        // As after a crash behind the last byte, before it was stored.
        await File.WriteAllBytesAsync(PartialPath, Update);
        Assert.Equal(Update.Length - 1, await ReceivedAsync());
        Assert.False(await Sink().HoldsAsync(Task1, "anna-1-token", UpdateRef, CancellationToken.None));
        await Sink().SubmitAsync(Task1, "anna-1-token", UpdateRef, Update, signature: null, CancellationToken.None);
        Assert.Equal(Update, await StoredAsync());
    }

    [Theory]
    [InlineData("bytes 0-9/100")]
    [InlineData("bytes */100")]
    [InlineData("bytes 0-9/*")]
    [InlineData("items 0-269/270")]
    [InlineData("bytes 5-2/100")]
    [InlineData("bytes 0-100/50")]
    [InlineData("bytes -5-9/100")]
    [InlineData("bytes 0-99999999999999999999/99999999999999999999")]
    [InlineData("nonsense")]
    public async Task A_range_that_is_malformed_or_not_the_bodys_is_a_bad_request(string range)
    {
        using var request = Request(HttpMethod.Put, "anna-1-token", Update);
        request.Content!.Headers.TryAddWithoutValidation("Content-Range", range);
        using var answer = await _host.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        AssertNothingStored();
    }

    [Fact]
    public async Task A_body_of_unknown_length_without_a_range_or_an_empty_one_is_a_bad_request()
    {
        Assert.Equal(HttpStatusCode.BadRequest, (await PutAsync([])).StatusCode);
        using var chunked = Request(HttpMethod.Put, "anna-1-token", Update);
        chunked.Headers.TransferEncodingChunked = true;
        Assert.Equal(HttpStatusCode.BadRequest, (await _host.Http.SendAsync(chunked)).StatusCode);
        AssertNothingStored();
    }

    [Fact]
    public async Task More_than_the_runs_model_allows_is_too_large()
    {
        var largest = UpdateInspection.LargestBytes(Messages.Model.Layout);
        using var answer = await PutAsync(new byte[10], new ContentRangeHeaderValue(0, 9, largest + 1));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Contains($"at most {largest}", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.Accepted, (await PutAsync(new byte[10], new ContentRangeHeaderValue(0, 9, largest))).StatusCode);
        await Assert.ThrowsAsync<UploadRefusedException>(() =>
            Sink().SubmitAsync(Messages.Reservation("ben"), "ben-1-token", Messages.Blob('b') with { SizeBytes = largest + 1 }, new byte[largest + 1], signature: null, CancellationToken.None));
    }

    [Fact]
    public async Task The_services_own_limit_holds_too()
    {
        await _host.DisposeAsync();
        _host = await AggregatorHost.StartAsync(_folder.Path, time: null, ("LargestBlobBytes", "1024"));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PutAsync(new byte[10], new ContentRangeHeaderValue(0, 9, 1025))).StatusCode);
    }

    [Fact]
    public async Task A_chunked_body_longer_than_its_range_is_too_large_and_nothing_is_stored()
    {
        using var request = Request(HttpMethod.Put, "anna-1-token", new byte[5000]);
        request.Headers.TransferEncodingChunked = true;
        request.Content!.Headers.ContentRange = new ContentRangeHeaderValue(0, 9, 10);
        using var answer = await _host.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        AssertNothingStored();
    }

    [Fact]
    public async Task A_chunked_body_shorter_than_its_range_is_a_beginning()
    {
        using var request = Request(HttpMethod.Put, "anna-1-token", Update[..30]);
        request.Headers.TransferEncodingChunked = true;
        request.Content!.Headers.ContentRange = Range(0, Update.Length);
        using var answer = await _host.Http.SendAsync(request);

        Assert.Equal((HttpStatusCode.Accepted, 30L), (answer.StatusCode, Received(answer)));
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(Update[30..], Range(30, Update.Length))).StatusCode);
    }

    [Fact]
    public async Task While_an_update_is_being_received_another_connection_is_turned_away_and_goes_on_once_the_first_is_cut()
    {
        using var slow = await RawHttp.ConnectAsync(_host.Http.BaseAddress!);
        await slow.SendAsync($"PUT /updates/{Task1} HTTP/1.1\nHost: localhost\nLease-Token: anna-1-token\nContent-Length: {Update.Length}\nExpect: 100-continue");
        Assert.Equal(100, await slow.StatusAsync());
        using var turnedAway = await PutAsync(Update);
        Assert.Equal(HttpStatusCode.Locked, turnedAway.StatusCode);

        await slow.SendBytesAsync(Update[..40]);
        slow.Cut();
        Assert.InRange(await ReceivedOnceUnlockedAsync(), 0, 40);
        await Sink().SubmitAsync(Task1, "anna-1-token", UpdateRef, Update, signature: null, CancellationToken.None);
        Assert.Equal(Update, await StoredAsync());
    }

    [Fact]
    public async Task The_same_update_again_is_fine_and_another_one_is_a_conflict()
    {
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(Update)).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(Update)).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await PutAsync(Messages.Bytes(Messages.Delta("other")))).StatusCode);

        Assert.Equal(Update, await StoredAsync());
        Assert.Equal(1, _host.CountOf("upload"));
        Assert.Equal([UpdateRef.Sha256], _host.Blobs.Updates.Names());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.File("updates", "partial")));
    }

    [Fact]
    public async Task The_same_bytes_may_be_the_update_of_two_tasks()
    {
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(Update)).StatusCode);
        using var second = Request(HttpMethod.Put, "ben-1-token", Update, task: Messages.Reservation("ben"));
        Assert.Equal(HttpStatusCode.Created, (await _host.Http.SendAsync(second)).StatusCode);
        Assert.Equal(2, _host.CountOf("upload"));
    }

    [Fact]
    public async Task A_worker_uploads_in_pieces_and_its_update_is_admitted()
    {
        Assert.False(await Sink().HoldsAsync(Task1, "anna-1-token", UpdateRef, CancellationToken.None));
        await Sink(pieceBytes: 100).SubmitAsync(Task1, "anna-1-token", UpdateRef, Update, signature: null, CancellationToken.None);
        Assert.True(await Sink().HoldsAsync(Task1, "anna-1-token", UpdateRef, CancellationToken.None));
        await Sink().SubmitAsync(Task1, "anna-1-token", UpdateRef, Update, signature: null, CancellationToken.None);

        await _host.DeliverAsync(Messages.Submit("anna", UpdateRef));
        Assert.Equal(UpdateRef.Sha256, (await _host.NextAsync<UpdateAdmitted>()).UpdateSha256);
    }

    [Fact]
    public async Task A_worker_goes_on_where_it_was_cut_off_also_after_a_restart_of_the_service()
    {
        await AcceptAsync(0, 110, expected: 110);
        await _host.DisposeAsync();
        _host = await AggregatorHost.StartAsync(_folder.Path);
        Assert.Equal(109, await ReceivedAsync());
        await Sink(pieceBytes: 50).SubmitAsync(Task1, "anna-1-token", UpdateRef, Update, signature: null, CancellationToken.None);
        Assert.Equal(Update, await StoredAsync());
    }

    [Fact]
    public async Task A_worker_is_told_for_good_when_its_token_or_its_update_is_refused()
    {
        await Assert.ThrowsAsync<UploadRefusedException>(() => Sink().SubmitAsync(Task1, "anna-2-token", UpdateRef, Update, signature: null, CancellationToken.None));
        var zoe = Messages.Reservation("zoe");
        var early = await Assert.ThrowsAsync<HttpRequestException>(() => Sink().SubmitAsync(zoe, "zoe-1-token", UpdateRef, Update, signature: null, CancellationToken.None));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, early.StatusCode);
    }

    private string PartialPath => _folder.File("updates", "partial", Task1.ToString("N"));

    private HttpUpdateSink Sink(int pieceBytes = 1 << 20) => new(_host.Http, pieceBytes);

    private async Task<byte[]> StoredAsync()
    {
        var upload = Assert.Single(_host.Reception.Received(Task1));
        Assert.Equal((UpdateRef.Sha256, UpdateRef.SizeBytes), (upload.Sha256, upload.Size));
        return await File.ReadAllBytesAsync(_folder.File("updates", upload.Sha256));
    }

    private void AssertNothingStored()
    {
        Assert.Equal(0, _host.CountOf("upload"));
        Assert.Empty(_host.Blobs.Updates.Names());
    }

    private async Task AcceptAsync(int from, int to, long expected)
    {
        using var answer = await PutAsync(Update[from..to], Range(from, to));
        Assert.Equal((HttpStatusCode.Accepted, expected), (answer.StatusCode, Received(answer)));
    }

    /// <summary>Bytes the service says it has; null when it has none.</summary>
    private async Task<long?> ReceivedAsync()
    {
        using var request = Request(HttpMethod.Head, "anna-1-token");
        using var answer = await _host.Http.SendAsync(request);
        return answer.StatusCode == HttpStatusCode.NotFound ? null : Received(answer);
    }

    /// <summary>Asks with a piece that fits nowhere, and so changes nothing, until no other connection holds the update.</summary>
    private async Task<long> ReceivedOnceUnlockedAsync()
    {
        while (true)
        {
            using var answer = await PutAsync(Update[^1..], Range(Update.Length - 1, Update.Length));
            if (answer.StatusCode != HttpStatusCode.Locked)
            {
                return Received(answer);
            }
        }
    }

    private static long Received(HttpResponseMessage answer) => long.Parse(answer.Headers.GetValues(HttpUpdateSink.ReceivedBytes).Single(), System.Globalization.CultureInfo.InvariantCulture);

    private static ContentRangeHeaderValue Range(int from, int to) => new(from, to - 1, Update.Length);

    private async Task<HttpResponseMessage> PutAsync(byte[] body, ContentRangeHeaderValue? range = null)
    {
        using var request = Request(HttpMethod.Put, "anna-1-token", body);
        request.Content!.Headers.ContentRange = range;
        return await _host.Http.SendAsync(request);
    }

    private static HttpRequestMessage Request(HttpMethod method, string? token, byte[]? body = null, Guid? task = null)
    {
        var request = new HttpRequestMessage(method, $"updates/{task ?? Task1}") { Content = body is null ? null : new ByteArrayContent(body) };
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Lease-Token", token);
        }

        return request;
    }
}
