using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.Limits.Tests.Http;

/// <summary>Every HTTP endpoint of every service, and callers who mean no good.</summary>
public sealed class HttpLimitTests(ITestOutputHelper output) : IDisposable
{
    private const long MiB = 1 << 20;

    /// <summary>Shorter than the defaults, so that the test is too.</summary>
    private const int Seconds = 3;

    /// <summary>Those seconds, five more in which a server takes the rest of a body that nobody wants, and time for a busy machine.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(45);

    /// <summary>What is taken in of an upload that nobody wants, and what the network between holds.</summary>
    private const long LargestTaken = 32 * MiB;

    private const long LargestGrowth = 48 * MiB;
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Services => [.. ServiceEndpoints.Services];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Slow_and_oversize_requests_to_every_endpoint_end_soon_and_keep_nobody_from_being_answered() =>
        await Task.WhenAll(ServiceEndpoints.Services.Select(TryAllAsync));

    private async Task TryAllAsync(string service)
    {
        var endpoints = ServiceEndpoints.Of(service, _folder.Path);
        var url = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        await using var process = await StartAsync(service, url);
        var pass = 0;
        var memory = new ResidentMemory(process.Id, () => pass);
        List<Tried> tries, again = [];
        await using (memory)
        {
            tries = await TryAsync(url, endpoints, Enum.GetValues<Attack>());
            for (pass = 1; pass <= 3; pass++)
            {
                again.AddRange(await TryAsync(url, endpoints, Attack.EndlessHeaders, Attack.HugeBody, Attack.EndlessBody));
            }
        }

        // The first pass makes the service compile what it needs; what the others add would be what was sent.
        var growth = memory.Peak(1, 3) - memory.Peak(0, 0);
        Write(service, tries, again, growth);
        Assert.All(tries.Concat(again), tried => Assert.True(tried.End.Sent <= LargestTaken, $"{tried}"));
        Assert.All(tries, tried => Assert.True(IsAsExpected(tried), $"{tried}"));
        Assert.True(growth <= LargestGrowth, $"{service} grew by {growth / MiB} MiB.");
    }

    /// <summary>Tries all attacks on all endpoints at once, while somebody else is answered.</summary>
    private static async Task<List<Tried>> TryAsync(Uri url, IReadOnlyList<ServiceEndpoint> endpoints, params Attack[] attacks)
    {
        using var late = new CancellationTokenSource(Longest);
        var all = Task.WhenAll(from endpoint in endpoints from attack in attacks where HasEnd(endpoint, attack) select AttackAsync(url, endpoint, attack, late.Token));
        using var http = new HttpClient { BaseAddress = url, Timeout = Longest };
        do
        {
            Assert.Equal("Healthy", await http.GetStringAsync(new Uri("alive", UriKind.Relative), TestContext.Current.CancellationToken));
        }
        while (!all.IsCompleted);

        return [.. await all];
    }

    // What is told of all runs has no end: it lasts as long as its reader wants, and a body beside it is never read.
    private static bool HasEnd(ServiceEndpoint endpoint, Attack attack) =>
        endpoint.Pattern != "/runs/events" || attack is Attack.Silence or Attack.SlowHeaders or Attack.EndlessHeaders;

    private static bool IsAsExpected(Tried tried) => (tried.Attack, tried.Endpoint.Pattern, tried.End.Status) switch
    {
        (Attack.Silence, _, var status) => status is null,
        (Attack.SlowHeaders, _, var status) => status == 408,
        (Attack.EndlessHeaders, _, var status) => status == 431,

        // Nobody is asked for an update that no round waits for.
        (_, "/updates/{reservationId:guid}", var status) => status == 401,

        // Nor for what only an enrolled client may say.
        (_, var pattern, var status) when pattern.StartsWith("/edge/tasks/", StringComparison.Ordinal) => status is 401 or null,
        (Attack.SlowBody, _, var status) when tried.Endpoint.HasBody => status == 408,
        (Attack.HugeBody, _, var status) when tried.Endpoint.HasBody => status == 413,

        // The connection may be reset before the answer is read.
        (Attack.EndlessBody, _, var status) when tried.Endpoint.HasBody => status is 413 or null,

        // What would be asked is not there.
        (_, var pattern, 503) when pattern.StartsWith("/services/", StringComparison.Ordinal) => true,

        // A body that nobody reads does not keep an answer from coming.
        (_, _, var status) => status is null or < 500,
    };

    private void Write(string service, List<Tried> tries, List<Tried> again, long growth)
    {
        output.WriteLine(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{service}: {tries.Count + again.Count} connections, the longest {tries.Max(tried => tried.End.Lasted.TotalSeconds):0.0} s, {again.Sum(tried => tried.End.Sent) / MiB} MiB sent at most {again.Max(tried => tried.End.Sent) / 1024} KiB on one; {growth / MiB} MiB more memory."));
        foreach (var endpoint in tries.GroupBy(tried => tried.Endpoint))
        {
            output.WriteLine($"  {endpoint.Key.Method} {endpoint.Key.Pattern}: {string.Join(", ", endpoint.Select(tried => $"{tried.Attack} {tried.End.Status?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"}"))}");
        }
    }

    [Fact]
    public void The_endpoints_that_take_a_body_are_among_those_that_are_tried()
    {
        var found = ServiceEndpoints.Services.SelectMany(service => ServiceEndpoints.Of(service, _folder.Path)).Where(endpoint => endpoint.HasBody);
        Assert.Equal(
            [
                "/edge/enrolment", "/edge/tasks/{roundId:guid}/accept", "/edge/tasks/{roundId:guid}/interrupt", "/edge/tasks/{roundId:guid}/refuse", "/edge/tasks/{roundId:guid}/renew",
                "/edge/tasks/{roundId:guid}/submit", "/enrolments/", "/enrolments/{clientId}/approve", "/ledger/budgets", "/ledger/quarantine/accept", "/plan", "/runs/",
                "/services/privacy-accountant/ledger/budgets", "/updates/{reservationId:guid}",
            ],
            found.Select(endpoint => endpoint.Pattern).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_full_house_turns_newcomers_away_and_has_room_again_when_those_who_do_nothing_are_gone()
    {
        var url = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        await using var process = await StartAsync("Aggregator", url, ("Limits__Connections", "20"));
        using var late = new CancellationTokenSource(Longest);
        var slow = Enumerable.Range(0, 40).Select(_ => Attacks.RunAsync(url, Attack.SlowHeaders, "GET", "/alive", "", late.Token)).ToList();
        var ends = await Task.WhenAll(slow);
        Assert.InRange(ends.Count(end => end.Lasted < TimeSpan.FromSeconds(Seconds - 1)), 20, 40);
        Assert.InRange(ends.Count(end => end.Lasted >= TimeSpan.FromSeconds(Seconds - 1)), 1, 20);
        using var http = new HttpClient { BaseAddress = url, Timeout = Longest };
        Assert.Equal("Healthy", await http.GetStringAsync(new Uri("alive", UriKind.Relative), TestContext.Current.CancellationToken));
    }

    [Theory, MemberData(nameof(Services))]
    public async Task Every_service_sets_the_limits_that_are_documented(string service)
    {
        var limits = await ServiceEndpoints.KestrelLimitsAsync(service, _folder.Path);
        Assert.Equal(HttpLimits.LargestBodyBytes, limits.MaxRequestBodySize);
        Assert.Equal((4096L, 15.0, 120.0), (limits.MaxConcurrentConnections, limits.RequestHeadersTimeout.TotalSeconds, limits.KeepAliveTimeout.TotalSeconds));
        Assert.All([limits.MinRequestBodyDataRate, limits.MinResponseDataRate], rate => Assert.Equal((1024.0, 10.0), (rate!.BytesPerSecond, rate.GracePeriod.TotalSeconds)));
        var other = await ServiceEndpoints.KestrelLimitsAsync(service, _folder.Path, ("Limits:BytesPerSecond", "0"), ("Limits:Connections", "7"));
        Assert.Equal((7, null), (other.MaxConcurrentConnections, other.MinRequestBodyDataRate));
    }

    [Fact]
    public async Task Flevents_run_sets_the_same_limits_for_the_API_it_serves()
    {
        KestrelServerLimits? limits = null;
        await using var federation = await Federation.StartAsync(
            TinyRun.Read(), _folder.Path, Transport.Memory, "http://127.0.0.1:0", TestContext.Current.CancellationToken, services => services.PostConfigure<KestrelServerOptions>(server => limits = server.Limits));
        Assert.Equal((HttpLimits.LargestBodyBytes, 4096L), (limits!.MaxRequestBodySize, limits.MaxConcurrentConnections));
    }

    private static async Task<Tried> AttackAsync(Uri url, ServiceEndpoint endpoint, Attack attack, CancellationToken cancellationToken) =>
        new(endpoint, attack, await Attacks.RunAsync(url, attack, endpoint.Method, endpoint.Path, "", cancellationToken));

    private async Task<ChildProcess> StartAsync(string service, Uri url, params (string Key, string Value)[] settings)
    {
        var process = ChildProcess.Start(
            Product.Dotnet,
            [Path.Combine(AppContext.BaseDirectory, $"FlEvents.{service}.dll")],
            new Dictionary<string, string?>([
                .. ServiceEndpoints.Settings(service, _folder.File("process", service)).Select(setting => KeyValuePair.Create(setting.Key.Replace(":", "__", StringComparison.Ordinal), setting.Value)),
                KeyValuePair.Create("ASPNETCORE_URLS", (string?)url.ToString()),
                .. new[] { "HeaderSeconds", "IdleSeconds", "GraceSeconds" }.Select(limit => KeyValuePair.Create($"Limits__{limit}", (string?)$"{Seconds}")),
                .. settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)),
            ]),
            _folder.Path);
        await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), Product.Patience);
        return process;
    }

    private sealed record Tried(ServiceEndpoint Endpoint, Attack Attack, AttackEnd End);
}
