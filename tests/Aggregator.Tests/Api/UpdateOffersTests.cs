using System.Net;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Api;

/// <summary>Two workers that have the same task, whose clients add noise: the bytes of the second never leave it.</summary>
[Collection("host")]
public sealed class UpdateOffersTests : IAsyncLifetime
{
    private static readonly Guid Task1 = Messages.Reservation("anna");
    private static readonly byte[] First = Messages.Bytes(Messages.Delta("anna"));
    private static readonly byte[] Second = Messages.Bytes(Messages.Delta("other"));
    private readonly TemporaryFolder _folder = new();
    private AggregatorHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await AggregatorHost.StartAsync(_folder.Path);
        await _host.CreateAsync(Messages.Spec with
        {
            Privacy = new PrivacySpec { Mode = PrivacyMode.Local, Local = new LocalPrivacySpec { ClipNorm = 1, NoiseMultiplier = 1 } },
        });
        await _host.DeliverAsync(Messages.OpenFor("anna", "ben"));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_second_update_is_refused_before_a_byte_of_it_is_sent_and_nothing_is_charged()
    {
        Assert.Equal(100, await OfferAsync(First));
        Assert.Equal(409, await OfferAsync(Second));

        await Assert.ThrowsAsync<UploadRefusedException>(() => SubmitAsync(Second));
        await SubmitAsync(First);
        await Assert.ThrowsAsync<UploadRefusedException>(() => SubmitAsync(Second));
        Assert.DoesNotContain(nameof(ChargeOutput), _host.Outbox());
        Assert.Equal([Messages.RefOf(First).Sha256], _host.Blobs.Updates.Names());
    }

    [Fact]
    public async Task An_offer_outlives_the_service_and_the_round()
    {
        Assert.Equal(100, await OfferAsync(First));
        await _host.DisposeAsync();
        _host = await AggregatorHost.StartAsync(_folder.Path);
        Assert.Equal(409, await OfferAsync(Second));

        await _host.DeliverAsync(Messages.Abandoned());
        Assert.Equal(409, await OfferAsync(Second));
        await SubmitAsync(First);
    }

    [Fact]
    public async Task A_client_that_sends_another_update_without_offering_it_is_charged_for_it()
    {
        await SubmitAsync(First);
        using var request = new HttpRequestMessage(HttpMethod.Put, $"updates/{Task1}") { Content = new ByteArrayContent(Second) };
        request.Headers.Add("Lease-Token", "anna-1-token");
        Assert.Equal(HttpStatusCode.Conflict, (await _host.Http.SendAsync(request)).StatusCode);
        Assert.Single(_host.Outbox(), nameof(ChargeOutput));
    }

    [Theory, InlineData("abc"), InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task A_hash_that_is_none_is_a_bad_request(string sha256) => Assert.Equal(400, await OfferAsync(First, sha256));

    private Task SubmitAsync(byte[] update) => new HttpUpdateSink(_host.Http).SubmitAsync(Task1, "anna-1-token", Messages.RefOf(update), update, signature: null, CancellationToken.None);

    /// <returns>Status of the first answer; 100 asks for the bytes, which are not sent.</returns>
    private async Task<int> OfferAsync(byte[] update, string? sha256 = null)
    {
        using var connection = await RawHttp.ConnectAsync(_host.Http.BaseAddress!);
        await connection.SendAsync(
            $"PUT /updates/{Task1} HTTP/1.1\nHost: localhost\nLease-Token: anna-1-token\nUpdate-Sha256: {sha256 ?? Messages.RefOf(update).Sha256}\n"
            + $"Content-Length: {update.Length}\nExpect: 100-continue");
        return await connection.StatusAsync();
    }
}
