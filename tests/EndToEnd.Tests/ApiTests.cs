using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Testing;
using Microsoft.OpenApi;

namespace FlEvents.EndToEnd.Tests;

/// <summary>The HTTP API, of a program that hosts all services; its own run is paused meanwhile.</summary>
public sealed class ApiTests(ApiServer server) : IClassFixture<ApiServer>, IAsyncLifetime
{
    public async ValueTask InitializeAsync() => Assert.Equal("paused", await server.Api.PostAsync(server.RunId, "pause"));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task An_idempotency_key_makes_one_run_from_one_request()
    {
        var body = TinyRun.Body();
        using var created = await server.Api.PostRunAsync(body.ToJsonString(), "nightly");
        using var again = await server.Api.PostRunAsync(body.ToJsonString(), "nightly");
        body["seed"] = 6;
        using var other = await server.Api.PostRunAsync(body.ToJsonString(), "nightly");

        Assert.Equal((201, 200, 409), ((int)created.StatusCode, (int)again.StatusCode, (int)other.StatusCode));
        var runId = await IdOfAsync(created);
        Assert.Equal($"/runs/{runId}", created.Headers.Location?.ToString());
        Assert.Equal(runId, await IdOfAsync(again));
        var problem = await ProblemAsync(other);
        Assert.Equal($"Idempotency-Key nightly has created run {runId} from another request.", problem.GetProperty("detail").GetString());
        Assert.Equal("completed", (await server.Api.EndAsync(runId)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_bad_body_is_answered_with_everything_that_is_wrong_with_it()
    {
        var body = TinyRun.Body();
        body["rounds"] = 0;
        body["training"]!["bathcSize"] = 3;
        body["selection"]!["deadlineSeconds"] = "soon";
        using var wrong = await server.Api.PostRunAsync(body.ToJsonString());
        using var cut = await server.Api.PostRunAsync("{ \"name\": ");
        using var large = await server.Api.PostRunAsync(new string(' ', (1 << 20) + 1));

        Assert.Equal((400, 400, 413), ((int)wrong.StatusCode, (int)cut.StatusCode, (int)large.StatusCode));
        var errors = (await ProblemAsync(wrong)).GetProperty("errors");
        Assert.Equal(["$.rounds", "$.selection.deadlineSeconds", "$.training.bathcSize"], errors.EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal));
        Assert.Equal("unknown key; did you mean \"batchSize\"?", errors.GetProperty("$.training.bathcSize")[0].GetString());
        Assert.Equal(["$"], (await ProblemAsync(cut)).GetProperty("errors").EnumerateObject().Select(error => error.Name));
        await ProblemAsync(large);
    }

    [Theory]
    [InlineData("GET", "runs/01a1fee7-0000-7000-8000-000000000000")]
    [InlineData("GET", "runs/01a1fee7-0000-7000-8000-000000000000/rounds")]
    [InlineData("GET", "runs/01a1fee7-0000-7000-8000-000000000000/clients")]
    [InlineData("GET", "runs/01a1fee7-0000-7000-8000-000000000000/model")]
    [InlineData("GET", "runs/01a1fee7-0000-7000-8000-000000000000/events")]
    [InlineData("GET", "runs/01a1fee7-0000-7000-8000-000000000000/log")]
    [InlineData("POST", "runs/01a1fee7-0000-7000-8000-000000000000/stop")]
    [InlineData("DELETE", "clients/nobody")]
    [InlineData("GET", "ledger/clients/nobody")]
    [InlineData("GET", "models/0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("GET", "nothing")]
    public async Task What_is_not_there_is_a_problem_with_status_404(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await server.Http.SendAsync(request);

        Assert.Equal(404, (int)response.StatusCode);
        await ProblemAsync(response);
    }

    [Fact]
    public async Task A_run_file_is_submitted_once_under_its_key_and_a_wrong_one_not_at_all()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("tiny.json");
        await File.WriteAllTextAsync(file, TinyRun.Json);
        Task<(int ExitCode, string Output)> SubmitAsync(params IEnumerable<string> more) =>
            Product.RunAsync(["submit", file, "--url", server.Http.BaseAddress!.ToString(), "--key", "by-hand", .. more]);

        var (exitCode, id) = await SubmitAsync("--set", "rounds=2");
        Assert.Equal((0, id), (exitCode, (await SubmitAsync("--set", "rounds=2")).Output));
        Assert.Equal(2, (await server.Api.EndAsync(Guid.Parse(id))).GetProperty("rounds").GetInt32());

        var other = await SubmitAsync("--set", "rounds=3");
        Assert.Equal((2, $"run: Idempotency-Key by-hand has created run {id} from another request."), (other.ExitCode, other.Output));
        var wrong = await SubmitAsync("--set", "rounds=-1");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("rounds", wrong.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_tell_every_round_and_end_with_the_run()
    {
        var runId = await server.Api.CreateAsync(TinyRun.Body());
        var events = await server.Api.EventsAsync(runId);

        var (name, last) = events[^1];
        Assert.Equal("run", name);
        Assert.Equal("completed", last.GetProperty("run").GetProperty("state").GetString());
        var rounds = events.Where(item => item.Name == "round").Select(item => item.Data.GetProperty("round")).ToList();
        Assert.Equal([1, 2, 3], rounds.Where(round => round.GetProperty("state").GetString() == "done").Select(round => round.GetProperty("round").GetInt32()).Distinct());

        // Who comes late is told the same end.
        Assert.Equal(last.GetProperty("run").GetRawText(), (await server.Api.EventsAsync(runId))[^1].Data.GetProperty("run").GetRawText());
    }

    [Fact]
    public async Task The_newest_model_is_served_under_its_hash()
    {
        var runId = await server.Api.CreateAsync(TinyRun.Body());
        var run = await server.Api.EndAsync(runId);

        var sha256 = run.GetProperty("model").GetProperty("sha256").GetString();
        Assert.Equal(sha256, (await server.Api.RoundsAsync(runId))[^1].GetProperty("modelSha256").GetString());
        using var model = await server.Http.GetAsync(new Uri($"runs/{runId}/model", UriKind.Relative));
        Assert.Equal("application/octet-stream", model.Content.Headers.ContentType?.ToString());
        Assert.Equal(sha256, Product.Sha256(await model.Content.ReadAsByteArrayAsync()));
        Assert.Equal(sha256, Product.Sha256(await server.Http.GetByteArrayAsync(new Uri($"models/{sha256}", UriKind.Relative))));
    }

    [Fact]
    public async Task The_OpenAPI_document_lists_the_paths()
    {
        var document = await server.Api.GetAsync("openapi/v1.json");

        Assert.StartsWith("3.", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var paths = document.GetProperty("paths").EnumerateObject().Select(path => path.Name).ToList();
        string[] expected =
        [
            "/runs", "/runs/{runId}", "/runs/{runId}/pause", "/runs/{runId}/resume", "/runs/{runId}/stop", "/runs/{runId}/rounds", "/runs/{runId}/clients",
            "/runs/{runId}/model", "/runs/{runId}/events", "/runs/{runId}/log", "/clients", "/clients/{clientId}", "/models/{sha256}", "/updates/{reservationId}",
            "/ledger/entries", "/ledger/clients/{clientId}", "/ledger/head",
        ];
        Assert.Empty(expected.Except(paths.Select(path => path.TrimEnd('/'))));
    }

    [Fact]
    public async Task The_OpenAPI_document_is_valid_and_describes_every_endpoint_of_the_edge()
    {
        var reading = OpenApiDocument.Parse(await server.Http.GetStringAsync(new Uri("openapi/v1.json", UriKind.Relative)), "json");
        Assert.Empty(reading.Diagnostic!.Errors.Concat(reading.Diagnostic.Warnings).Select(error => $"{error.Pointer}: {error.Message}"));

        var operations = reading.Document!.Paths
            .SelectMany(path => path.Value.Operations!.Select(operation => (Name: $"{operation.Key} {path.Key.TrimEnd('/')}", operation.Value)))
            .ToDictionary(operation => operation.Name, operation => operation.Value);
        string[] expected =
        [
            "GET /edge/tasks", "GET /edge/tasks/{roundId}", "POST /edge/enrolment", "GET /enrolments", "POST /enrolments",
            .. new[] { "accept", "interrupt", "refuse", "renew", "submit" }.Select(word => $"POST /edge/tasks/{{roundId}}/{word}"),
            .. new[] { "approve", "resume", "revoke", "suspend" }.Select(decision => $"POST /enrolments/{{clientId}}/{decision}"),
        ];
        var actual = operations.Keys.Where(name => name.Contains("/edge/", StringComparison.Ordinal) || name.Contains("/enrolments", StringComparison.Ordinal));
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
        Assert.All(operations, operation => Assert.False(string.IsNullOrEmpty(operation.Value.Summary), $"{operation.Key} has no summary."));
        Assert.All(expected.Where(name => name.StartsWith("POST /edge/", StringComparison.Ordinal)), name => Assert.NotNull(operations[name].RequestBody));
    }

    [Fact]
    public async Task Health_and_metrics_answer()
    {
        Assert.Equal("Healthy", await server.Http.GetStringAsync(new Uri("alive", UriKind.Relative)));
        Assert.Equal("Healthy", await server.Http.GetStringAsync(new Uri("health", UriKind.Relative)));
        await server.Api.EndAsync(await server.Api.CreateAsync(TinyRun.Body()));

        using var metrics = await server.Http.GetAsync(new Uri("metrics", UriKind.Relative));
        Assert.Equal("text/plain", metrics.Content.Headers.ContentType?.MediaType);
        var lines = (await metrics.Content.ReadAsStringAsync()).Split('\n');
        Assert.Contains(lines, line => line.StartsWith("fl_rounds_total{", StringComparison.Ordinal) && line.Contains("state=\"done\"", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("fl_training_tasks_running", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("fl_ledger_head_sequence", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("client-00000", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_runs_share_the_workers_and_both_end()
    {
        var body = TinyRun.Body();
        body["training"]!["localEpochs"] = 20;
        var first = await server.Api.CreateAsync(body);
        var second = await server.Api.CreateAsync(body);

        var ended = await Task.WhenAll(server.Api.EndAsync(first), server.Api.EndAsync(second));

        Assert.All(ended, run => Assert.Equal("completed", run.GetProperty("state").GetString()));
        Assert.Single(ended.Select(run => run.GetProperty("model").GetProperty("sha256").GetString()).Distinct());

        // The ledger is the one record that has both runs in one order.
        var rounds = await ChargedRoundsAsync(first, second);
        Assert.Equal(2 * TinyRun.Rounds, rounds.Count);
        var turns = rounds.Zip(rounds.Skip(1)).Count(pair => pair.First.RunId != pair.Second.RunId);
        Assert.True(turns >= TinyRun.Rounds, $"The runs took turns {turns} times: {string.Join(", ", rounds)}");
    }

    [Fact]
    public async Task A_client_that_was_removed_is_drawn_no_more_and_its_ledger_stays()
    {
        const string Removed = "client-000004";
        await server.Api.EndAsync(await server.Api.CreateAsync(TinyRun.Body()));
        var before = await server.Api.GetAsync($"ledger/clients/{Removed}");

        using var answer = await server.Http.DeleteAsync(new Uri($"clients/{Removed}", UriKind.Relative));
        Assert.Equal(204, (int)answer.StatusCode);
        var runId = await server.Api.CreateAsync(TinyRun.Body());
        Assert.Equal("completed", (await server.Api.EndAsync(runId)).GetProperty("state").GetString());

        Assert.All(await server.Api.RoundsAsync(runId), round => Assert.Equal(TinyRun.Clients, round.GetProperty("clientsSelected").GetInt32()));
        Assert.DoesNotContain(Removed, await IdsAsync($"runs/{runId}/clients"));
        Assert.DoesNotContain(Removed, await IdsAsync("clients"));
        Assert.Equal(before.GetRawText(), (await server.Api.GetAsync($"ledger/clients/{Removed}")).GetRawText());
    }

    private static async Task<Guid> IdOfAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("runId").GetGuid();

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((int)response.StatusCode, problem.GetProperty("status").GetInt32());
        return problem;
    }

    private async Task<IEnumerable<string?>> IdsAsync(string path) =>
        (await server.Api.GetAsync(path)).EnumerateArray().Select(client => client.GetProperty("clientId").GetString());

    /// <summary>The rounds of these runs, in the order in which the ledger charged them.</summary>
    private async Task<List<(Guid RunId, int Round)>> ChargedRoundsAsync(params Guid[] runs)
    {
        var rounds = new List<(Guid, int)>();
        long after = 0;
        while (await server.Api.GetAsync($"ledger/entries?after={after}&limit=1000") is var page && page.GetArrayLength() > 0)
        {
            rounds.AddRange(page.EnumerateArray().Select(entry => (entry.GetProperty("runId").GetGuid(), entry.GetProperty("round").GetInt32())));
            after = page[page.GetArrayLength() - 1].GetProperty("sequence").GetInt64();
        }

        return [.. rounds.Where(round => runs.Contains(round.Item1)).Distinct()];
    }
}
