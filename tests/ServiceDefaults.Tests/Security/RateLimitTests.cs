using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using FlEvents.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Tests.Security;

public sealed class RateLimitTests : IDisposable
{
    // One request in a thousand seconds: what is there at once is all there is.
    private const string Hardly = "0.001";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_address_that_guesses_keys_is_turned_away_and_a_known_caller_behind_it_is_not()
    {
        await using var host = await StartAsync(("StrangersRequestsPerSecond", Hardly), ("StrangersRequestsAtOnce", "3"));
        var refused = 0;
        using var counting = AuditedHost.Count(host.Metrics.RateLimited, () => refused++);
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 5; i++)
        {
            answers.Add(await host.StatusAsync($"fle_guess-{i}", HttpMethod.Get, "/things"));
        }

        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests, HttpStatusCode.TooManyRequests], answers);
        Assert.Equal(2, refused);
        Assert.Equal(HttpStatusCode.TooManyRequests, await host.StatusAsync(key: null, HttpMethod.Get, "/blobs"));
        Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Get, "/things"));
    }

    [Fact]
    public async Task A_caller_who_asks_too_often_is_told_to_wait_and_the_others_are_served()
    {
        await using var host = await StartAsync(("RequestsPerSecond", Hardly), ("RequestsAtOnce", "2"));
        Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Get, "/things"));
        Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Get, "/things"));
        using var answer = await host.AskAsync(AuditedHost.Reader, HttpMethod.Get, "/things");
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 1000);
        Assert.Equal(
            "Too many requests from this caller, or from this address; try again later.",
            (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("detail").GetString());

        Assert.Equal(HttpStatusCode.NoContent, await host.StatusAsync(AuditedHost.Writer, HttpMethod.Delete, "/things/a"));

        // Who is turned away for that does not fill the log.
        Assert.Equal(HttpStatusCode.NoContent, await host.StatusAsync(AuditedHost.Writer, HttpMethod.Delete, "/things/a"));
        Assert.Equal(HttpStatusCode.TooManyRequests, await host.StatusAsync(AuditedHost.Writer, HttpMethod.Delete, "/things/a"));
        Assert.Equal(4, host.Rows.Count);
    }

    [Fact]
    public async Task A_host_that_has_ended_is_held_by_nothing_that_goes_on_running()
    {
        var database = await EndedAsync();
        for (var look = 0; look < 100 && database.IsAlive; look++)
        {
            // What was under way at its end has let go of it soon.
            await Task.Delay(50, TestContext.Current.CancellationToken);
            GC.Collect();
        }

        Assert.False(database.IsAlive);
    }

    [Fact]
    public async Task What_a_cluster_asks_and_the_blobs_of_workers_are_not_counted()
    {
        await using var host = await StartAsync(
            ("RequestsPerSecond", Hardly), ("RequestsAtOnce", "1"), ("StrangersRequestsPerSecond", Hardly), ("StrangersRequestsAtOnce", "1"));
        foreach (var path in new[] { "/health", "/alive", "/metrics" }.SelectMany(path => Enumerable.Repeat(path, 3)))
        {
            Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(key: null, HttpMethod.Get, path));
        }

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Get, "/blobs"));
        }

        Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Get, "/things"));
        Assert.Equal(HttpStatusCode.TooManyRequests, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Get, "/things"));
    }

    [Fact]
    public async Task Where_nobody_is_asked_nobody_is_counted()
    {
        await using var host = await AuditedHost.StartAsync(_folder.File("audit.db"), new() { ["Security:RequestsAtOnce"] = "1", ["Security:StrangersRequestsAtOnce"] = "1" });
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(key: null, HttpMethod.Get, "/things"));
        }
    }

    [Fact]
    public void Strangers_share_a_fixed_number_of_buckets_and_a_network_has_one()
    {
        var slots = Enumerable.Range(0, 100_000).Select(i => RateLimits.SlotOf(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]))).ToList();
        Assert.InRange(slots.Max(), 0, 4095);
        Assert.InRange(slots.Min(), 0, 4095);

        // Of 4096 buckets hardly one is missed by so many.
        Assert.InRange(slots.Distinct().Count(), 4000, 4096);
        Assert.Equal(RateLimits.SlotOf(IPAddress.Parse("2001:db8:1:2::1")), RateLimits.SlotOf(IPAddress.Parse("2001:db8:1:2:ffff::9")));
        Assert.InRange(Enumerable.Range(0, 100).Select(i => RateLimits.SlotOf(IPAddress.Parse($"2001:db8:1:{i}::1"))).Distinct().Count(), 50, 100);
    }

    [Fact]
    public async Task Limits_that_let_nobody_in_are_told_at_the_start()
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(async () => await StartAsync(("RequestsPerSecond", "0"), ("StrangersRequestsAtOnce", "-1")));
        Assert.Equal(
            ["Security:RequestsPerSecond is 0: it must be from 0.001 to 1000000.", "Security:StrangersRequestsAtOnce is -1: it must be from 1 to 1000000."],
            refusal.Failures);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<WeakReference> EndedAsync()
    {
        await using var host = await StartAsync();
        Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Get, "/things"));
        return new WeakReference(host.Database);
    }

    private Task<AuditedHost> StartAsync(params (string Name, string Value)[] limits) => AuditedHost.StartAsync(
        _folder.File("audit.db"),
        new([.. AuditedHost.Keys(), .. limits.Select(limit => KeyValuePair.Create($"{SecurityOptions.Section}:{limit.Name}", (string?)limit.Value))]));
}
