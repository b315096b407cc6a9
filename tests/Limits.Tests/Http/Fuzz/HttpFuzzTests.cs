using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.RegularExpressions;
using FlEvents.EndToEnd.Tests;
using FlEvents.Orchestrator.Edge;
using FlEvents.Orchestrator.Rounds;

namespace FlEvents.Limits.Tests.Http;

/// <summary>Requests that nobody of ours would send, and some that somebody would, to every endpoint of every service.</summary>
public sealed partial class HttpFuzzTests(ITestOutputHelper output)
{
    private const int RefusedOfEach = 20;
    private const int AllowedOfEach = 50;
    private const int FullPasses = 4;
    private const int FullFactor = 5;
    private const long LargestGrowth = 32L << 20;
    private const int FailuresShown = 12;
    private const string Replay = "POST /quarantine/{service}/{id:long}/replay";
    private const string Upload = "PUT /updates/{reservationId:guid}";

    /// <summary>The tables that a request may change where it is answered with success. Of all others none may change anything.</summary>
    private static readonly Dictionary<string, string[]> MayChange = new()
    {
        [Replay] = ["outbox", "quarantine"],
        ["DELETE /quarantine/{service}/{id:long}"] = ["quarantine"],
        [Upload] = ["files", "output", "upload"],
        ["PUT /ledger/budgets"] = ["ledger", "ledger_entry", "ledger_unit"],
        ["POST /runs/"] = ["event", "outbox", "run"],
        ["POST /runs/{runId:guid}/pause"] = ["run"],
        ["POST /runs/{runId:guid}/resume"] = ["run"],
        ["POST /runs/{runId:guid}/stop"] = ["event", "outbox", "run"],
        ["DELETE /clients/{clientId}"] = ["client", "enrolment", "outbox"],
        ["POST /enrolments/"] = ["enrolment"],
        ["POST /enrolments/{clientId}/approve"] = ["client", "enrolment"],
        ["POST /enrolments/{clientId}/suspend"] = ["enrolment"],
        ["POST /enrolments/{clientId}/resume"] = ["enrolment"],
        ["POST /enrolments/{clientId}/revoke"] = ["client", "enrolment", "outbox"],
        ["POST /edge/enrolment"] = ["enrolment"],

        // That it asks, or says that it goes on, is a client's sign of life.
        ["GET /edge/tasks/"] = ["worker"],
        ["POST /edge/tasks/{roundId:guid}/renew"] = ["member", "worker"],
        ["POST /edge/tasks/{roundId:guid}/accept"] = ["member", "round"],
        ["POST /edge/tasks/{roundId:guid}/interrupt"] = ["member", "outbox", "round"],
        ["POST /edge/tasks/{roundId:guid}/refuse"] = ["event", "member", "outbox", "round"],
        ["POST /edge/tasks/{roundId:guid}/submit"] = ["outbox"],
    };

    private readonly ConcurrentQueue<string> _failures = [];
    private readonly ConcurrentDictionary<(string Service, string Endpoint, string Answer), int> _answers = [];

    [Fact]
    public async Task No_request_to_any_endpoint_is_answered_with_a_fault_changes_what_it_may_not_or_leaves_anything_behind()
    {
        using var connections = new OpenConnections();
        using var state = await PreparedState.CreateAsync();
        var growth = 0L;
        var endpoints = new HashSet<(string Service, string Endpoint)>();
        for (var pass = 0; pass < (FuzzPlan.IsFull ? FullPasses : 1) && _failures.IsEmpty; pass++)
        {
            await using var services = await FuzzedServices.StartAsync(state);
            connections.Port = services.Orchestrator.Url.Port;
            endpoints.UnionWith(services.All.SelectMany(service => service.Endpoints, (service, endpoint) => (service.Name, NameOf(endpoint))));
            await Task.WhenAll(services.All.Select(service => Task.Run(() => FuzzAsync(service, state, isAllowed: false, pass))));
            var before = GC.GetTotalMemory(forceFullCollection: true);
            await Task.WhenAll(services.All.Select(service => Task.Run(() => FuzzAsync(service, state, isAllowed: true, pass))));
            await Eventually.HoldsAsync("nobody is waited for any more", () => connections.Count == 0 && services.All.All(service => service.InProgress == 0));
            Assert.Equal((0, 0), (services.Orchestrator.Get<ProgressSignals>().Watched, services.Orchestrator.Get<EdgeSignals>().Watched));
            growth = Math.Max(growth, GC.GetTotalMemory(forceFullCollection: true) - before);
            foreach (var line in services.All.SelectMany(service => service.LoggedErrors, (service, line) => $"{service.Name} has logged: {line}"))
            {
                _failures.Enqueue(line);
            }
        }

        Write(endpoints, growth);
        Assert.True(_failures.IsEmpty, $"Seed {FuzzPlan.Seed}, {_failures.Count} failures:\n{string.Join('\n', _failures.Take(FailuresShown))}");
        Assert.All(endpoints, endpoint => Assert.True(_answers.Keys.Any(answer => (answer.Service, answer.Endpoint) == endpoint), $"{endpoint} was never reached."));

        // Good requests are among them: which of them come first, and what they leave for the others to do, is up to the seed.
        var done = MayChange.Keys.Count(endpoint => _answers.Keys.Any(answer => answer.Endpoint == endpoint && answer.Answer[0] == '2'));
        Assert.InRange(done, MayChange.Count * 3 / 4, MayChange.Count);
        Assert.InRange(growth, long.MinValue, LargestGrowth);
    }

    private async Task FuzzAsync(FuzzedHost service, PreparedState state, bool isAllowed, int pass)
    {
        var seeds = new RequestSeeds(state);
        using var connection = new FuzzedConnection(service.Url);
        var cases = FuzzPlan.Cases(isAllowed ? AllowedOfEach : RefusedOfEach, FullFactor);
        for (var number = pass * cases; number < (pass + 1) * cases; number++)
        {
            foreach (var endpoint in service.Endpoints)
            {
                var name = $"{service.Name} {NameOf(endpoint)}{(isAllowed ? "" : " refused")}";
                var random = FuzzPlan.Stream(name, number);
                var request = seeds.Of(endpoint, random);
                seeds.Authorize(request, endpoint, isAllowed, random);

                // A good request is one too: refused it must be when nobody may send it.
                if (random.NextInt(4) > 0)
                {
                    RequestMutation.Apply(request, [.. RequestSeeds.QueryValues(endpoint.Route).Select(value => value.Name)], random);
                }

                await TryAsync(service, connection, endpoint, request, isAllowed, $"{name}, case {number}");
            }
        }
    }

    private async Task TryAsync(FuzzedHost service, FuzzedConnection connection, ServiceEndpoint meant, FuzzedRequest request, bool isAllowed, string name)
    {
        FuzzedAnswer answer;
        var quarantined = service.Quarantined;
        try
        {
            answer = await connection.AskAsync(request, mayWait: request.Path.StartsWith("/edge/tasks", StringComparison.OrdinalIgnoreCase));
        }
        catch (TimeoutException e)
        {
            _failures.Enqueue($"{name}: {e.Message}\n    {request.Shown(service.Url)}");
            return;
        }

        // It may go on for a moment when the whole answer is here, and when its caller has gone.
        if (service.InProgress > 0)
        {
            await Eventually.HoldsAsync($"{name} has ended", () => service.InProgress == 0);
        }

        _answers.AddOrUpdate((service.Name, answer.Endpoint, answer.IsLeft && answer.Status == 0 ? "left" : $"{answer.Status}"), 1, (_, count) => count + 1);
        var changes = service.Changes();
        if (answer.Status == 204 && DirectOf(answer.Endpoint) == Replay)
        {
            // Nobody takes the message: it comes back.
            await Eventually.HoldsAsync("the message is put aside again", () => service.Changes().Count == 0 && service.Quarantined == quarantined);
        }

        var defects = Defects(service, meant, request, answer, changes, isAllowed).ToList();
        if (defects.Count > 0)
        {
            _failures.Enqueue($"{name}: {string.Join("; ", defects)}\n    {request.Shown(service.Url)}\n  {answer.Text[..Math.Min(600, answer.Text.Length)]}");
        }
    }

    private static IEnumerable<string> Defects(
        FuzzedHost service, ServiceEndpoint meant, FuzzedRequest request, FuzzedAnswer answer, IReadOnlyList<string> changes, bool isAllowed)
    {
        var reached = service.Endpoints.FirstOrDefault(endpoint => NameOf(endpoint) == answer.Endpoint);
        var isSuccess = answer.Status is >= 200 and < 300;
        if (answer.Status >= 500 && !IsExpected(answer))
        {
            yield return $"answered with {answer.Status}";
        }

        if (answer.Status == 0 && !answer.IsLeft && request.IsWhole)
        {
            yield return "not answered";
        }

        if (answer.Text.Contains("   at FlEvents.", StringComparison.Ordinal))
        {
            yield return "shows where the program failed";
        }

        // A method in small letters leads elsewhere, and who lacks one scope may have the other.
        var may = isAllowed || (reached?.Scope is { } scope && scope != meant.Scope && request.Headers.Any(header => IsOfAnotherScope(header.Value, meant)));
        if (!may && isSuccess && reached?.Scope is not null)
        {
            yield return "a caller without the right is let in";
        }

        var allowed = may ? AllowedChanges(answer.Status == 0 ? NameOf(meant) : answer.Endpoint, request, answer) : [];
        if (changes.Except(allowed).ToList() is { Count: > 0 } others)
        {
            yield return $"has changed {string.Join(", ", others)}";
        }
    }

    private static bool IsOfAnotherScope(string authorization, ServiceEndpoint meant) =>
        meant.Scope is { } lacking && authorization == $"Bearer {(lacking == EdgeAccess.Policy ? FuzzedHost.Key : FuzzedHost.KeyWithout(lacking))}";

    private static string[] AllowedChanges(string endpoint, FuzzedRequest request, FuzzedAnswer answer) =>
        answer.IsLeft || answer.Status is >= 200 and < 300 ? MayChange.GetValueOrDefault(DirectOf(endpoint), [])

        // What came of an upload that broke off stays, and what came of another one than the first goes.
        : endpoint == Upload && (request.Framing != Framing.Length || answer.Status == 409) ? ["files"]
        : [];

    /// <summary>The endpoint of the other service that a forwarded request is for; an endpoint itself where it forwards nothing.</summary>
    private static string DirectOf(string endpoint) => QuarantinePattern().Replace(ForwardedPattern().Replace(endpoint, " /"), "/quarantine/{service}/{id:long}");

    [GeneratedRegex("(?<=^[A-Z]+) /services/[a-z-]+/")]
    private static partial Regex ForwardedPattern();

    [GeneratedRegex("/quarantine/[a-z-]+/\\{id:long\\}")]
    private static partial Regex QuarantinePattern();

    /// <summary>A service that is busy says when to come again; one that asks another tells that it could not.</summary>
    private static bool IsExpected(FuzzedAnswer answer) =>
        (answer.Status == 503 && answer.Text.Contains("\r\nRetry-After: ", StringComparison.OrdinalIgnoreCase))
        || (answer.Status is 502 or 503 or 504 && DirectOf(answer.Endpoint) != answer.Endpoint);

    private void Write(IEnumerable<(string Service, string Endpoint)> endpoints, long growth)
    {
        output.WriteLine($"Seed {FuzzPlan.Seed}: {_answers.Values.Sum()} requests to {endpoints.Count()} endpoints, {growth >> 10} KiB more memory.");
        foreach (var endpoint in _answers.GroupBy(answer => (answer.Key.Service, answer.Key.Endpoint)).OrderBy(endpoint => $"{endpoint.Key}", StringComparer.Ordinal))
        {
            var line = new StringBuilder($"  {endpoint.Key.Service,-17} {(endpoint.Key.Endpoint.Length > 0 ? endpoint.Key.Endpoint : "(none)"),-70} {endpoint.Sum(answer => answer.Value),6}:");
            foreach (var (key, count) in endpoint.OrderBy(answer => answer.Key.Answer, StringComparer.Ordinal))
            {
                line.Append(System.Globalization.CultureInfo.InvariantCulture, $" {key.Answer} {count}");
            }

            output.WriteLine(line.ToString());
        }
    }

    private static string NameOf(ServiceEndpoint endpoint) => $"{endpoint.Method} {endpoint.Pattern}";

    /// <summary>Counts the connections to one server of this process.</summary>
    private sealed class OpenConnections : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _count;

        public OpenConnections()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument is { Name: "kestrel.active_connections" })
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, change, tags, _) =>
            {
                foreach (var tag in tags)
                {
                    Interlocked.Add(ref _count, tag is { Key: "server.port", Value: int port } && port == Port ? change : 0);
                }
            });
            _listener.Start();
        }

        public int Port { get; set; }

        public long Count => Interlocked.Read(ref _count);

        public void Dispose() => _listener.Dispose();
    }
}
