using System.Net;
using System.Net.Http.Headers;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Api;

[Collection("host")]
public sealed class ModelEndpointTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private AggregatorHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await AggregatorHost.StartAsync(_folder.Path);
        await _host.CreateAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_model_is_read_whole_with_its_length()
    {
        using var answer = await _host.Http.GetAsync($"models/{Messages.BaseModel.Sha256}");

        Assert.Equal("application/octet-stream", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal(Messages.BaseModel.SizeBytes, answer.Content.Headers.ContentLength);
        Assert.Equal(Messages.BaseBytes, await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_part_of_a_model_can_be_read()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"models/{Messages.BaseModel.Sha256}") { Headers = { Range = new RangeHeaderValue(10, 19) } };
        using var answer = await _host.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal(Messages.BaseBytes[10..20], await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_range_behind_the_end_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"models/{Messages.BaseModel.Sha256}") { Headers = { Range = new RangeHeaderValue(100_000, null) } };
        using var answer = await _host.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, answer.StatusCode);
    }

    [Fact]
    public async Task A_model_that_is_not_there_is_not_found()
    {
        using var answer = await _host.Http.GetAsync($"models/{new string('0', 64)}");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("There is no model 000", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("aggregator.db")]
    [InlineData("..")]
    [InlineData("../aggregator.db")]
    [InlineData("../models/{name}")]
    [InlineData("..%2faggregator.db")]
    [InlineData("..%2Funreleased%2F{name}")]
    [InlineData("%2e%2e%2faggregator.db")]
    [InlineData("..\\aggregator.db")]
    [InlineData("..%5caggregator.db")]
    [InlineData("%2fetc%2fpasswd")]
    [InlineData("/etc/passwd")]
    [InlineData("{NAME}")]
    [InlineData("{name}%00")]
    [InlineData("{name}.")]
    [InlineData("%20{name}")]
    public async Task A_name_that_is_no_hash_reads_nothing(string name)
    {
        var path = name.Replace("{name}", Messages.BaseModel.Sha256, StringComparison.Ordinal).Replace("{NAME}", Messages.BaseModel.Sha256.ToUpperInvariant(), StringComparison.Ordinal);
        using var http = await RawHttp.ConnectAsync(_host.Http.BaseAddress!);
        await http.SendAsync($"GET /models/{path} HTTP/1.1\nHost: localhost\nConnection: close");

        // The server itself resolves dots: the one path that leads back to a model is a model's.
        Assert.Equal(name == "../models/{name}" ? 200 : name.Contains("%00", StringComparison.Ordinal) ? 400 : 404, await http.StatusAsync());
    }

    [Fact]
    public async Task No_update_can_be_read()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna"));
        var update = await _host.UploadAsync("anna");

        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.GetAsync($"models/{update.Sha256}")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await _host.Http.GetAsync($"updates/{Messages.Reservation("anna")}")).StatusCode);
    }

    [Fact]
    public async Task S19_a_model_is_readable_only_once_every_charge_of_its_round_is_final()
    {
        var source = new HttpModelSource(_host.Http);
        var model = (await _host.AggregateAsync("anna")).Result!;
        Assert.True(_host.Blobs.Unreleased.Contains(model.Sha256));
        await Assert.ThrowsAsync<BlobException>(() => source.ReadAsync(model, CancellationToken.None));

        await _host.DeliverAsync(Messages.Committed());
        Assert.Equal(model, Messages.RefOf(await source.ReadAsync(model, CancellationToken.None)));
        Assert.Equal(Messages.BaseBytes, await source.ReadAsync(Messages.BaseModel, CancellationToken.None));
    }

    [Fact]
    public async Task A_model_of_another_length_than_announced_is_refused_by_its_reader()
    {
        var fault = await Assert.ThrowsAsync<BlobException>(
            () => new HttpModelSource(_host.Http).ReadAsync(Messages.BaseModel with { SizeBytes = 5 }, CancellationToken.None));
        Assert.Contains("announced 5", fault.Message, StringComparison.Ordinal);
    }
}
