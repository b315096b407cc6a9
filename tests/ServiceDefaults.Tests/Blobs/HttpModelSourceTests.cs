using System.Security.Cryptography;
using System.Text;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class HttpModelSourceTests : IAsyncLifetime
{
    private static readonly byte[] Bytes = Encoding.UTF8.GetBytes("weights");
    private static readonly BlobRef Model = new() { Sha256 = Convert.ToHexStringLower(SHA256.HashData(Bytes)), SizeBytes = 7 };
    private readonly WebApplication _server;
    private readonly HttpClient _http = new();
    private readonly List<string> _asked = [];
    private RequestDelegate _answer = context => context.Response.Body.WriteAsync(Bytes).AsTask();

    public HttpModelSourceTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _server = builder.Build();
        _server.Run(context =>
        {
            _asked.Add(context.Request.Path);
            return _answer(context);
        });
    }

    public async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        _http.BaseAddress = new Uri($"{_server.Urls.First()}/");
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_model_is_read_by_its_name_and_verified()
    {
        Answer(contentLength: 7);

        Assert.Equal(Bytes, await ReadAsync(Model));
        Assert.Equal([$"/models/{Model.Sha256}"], _asked);
    }

    [Fact]
    public async Task A_model_that_is_not_there_is_named()
    {
        _answer = context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        };

        await ThrowsAsync($"The Aggregator has no model {Model.Sha256}.", Model);
    }

    [Fact]
    public async Task A_model_of_another_length_is_not_read()
    {
        Answer(contentLength: 7);

        await ThrowsAsync($"Model {Model.Sha256} comes with 7 bytes; announced 8.", Model with { SizeBytes = 8 });
    }

    [Fact]
    public async Task A_model_without_a_length_is_not_read() => await ThrowsAsync($"Model {Model.Sha256} comes with  bytes; announced 7.", Model);

    [Fact]
    public async Task Bytes_that_are_not_those_of_the_name_are_refused()
    {
        _answer = context =>
        {
            context.Response.ContentLength = 7;
            return context.Response.WriteAsync("weighty");
        };

        await ThrowsAsync($"Blob {Model.Sha256} holds bytes whose SHA-256 is {Convert.ToHexStringLower(SHA256.HashData("weighty"u8))}.", Model);
    }

    [Fact]
    public async Task A_failing_server_is_no_missing_model()
    {
        _answer = context =>
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        };

        await Assert.ThrowsAsync<HttpRequestException>(() => ReadAsync(Model));
    }

    [Fact]
    public async Task A_name_that_is_not_a_hash_is_never_asked_for()
    {
        await ThrowsAsync("\"../updates/1\" is not a blob's name: 64 lower-case hexadecimal digits.", Model with { Sha256 = "../updates/1" });

        Assert.Empty(_asked);
    }

    private void Answer(int contentLength) => _answer = context =>
    {
        context.Response.ContentLength = contentLength;
        return context.Response.Body.WriteAsync(Bytes).AsTask();
    };

    private Task<byte[]> ReadAsync(BlobRef model) => new HttpModelSource(_http).ReadAsync(model, CancellationToken.None);

    private async Task ThrowsAsync(string expected, BlobRef model) => Assert.Equal(expected, (await Assert.ThrowsAsync<BlobException>(() => ReadAsync(model))).Message);
}
