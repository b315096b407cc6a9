using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.EndToEnd.Tests;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FlEvents.Console.Tests;

/// <summary>
/// Pages with what seldom comes together: names without a blank, two hundred clients, a run without rounds, failed and refused runs. The services' answers are made
/// up here, after the shape of real ones; pictures of all are left in <c>out/console</c>.
/// </summary>
public sealed class LookTests(Browser browser, ConsoleServer server)
{
    private const int ManyClients = 200;
    private static readonly string[] States = ["planned", "waiting", "dispatched", "accepted", "admitted", "late", "carried", "refused", "rejected", "failed"];
    private static readonly string LongName = "a-run-" + new string('w', 180);
    private static readonly string LongClient = "client-" + new string('w', 57);

    public static TheoryData<int, bool> Windows => new() { { 1280, false }, { 1280, true }, { 360, false }, { 360, true } };

    [Theory, MemberData(nameof(Windows))]
    public async Task Pages_with_long_names_many_clients_and_bad_news_fit_their_window_and_can_be_read(int width, bool isDark)
    {
        var real = await server.CreateAsync();
        await server.Api.EndAsync(real);
        var run = JsonNode.Parse((await server.Api.GetAsync($"runs/{real}")).GetRawText())!.AsObject();
        var rounds = (await server.Api.RoundsAsync(real)).Select(round => JsonNode.Parse(round.GetRawText())!.AsObject()).ToList();
        await using var tab = await browser.OpenAsync(server.Url, isDark, width);
        var page = tab.Page;
        await MockAsync(page, run, rounds);
        await tab.SignInAsync(ConsoleServer.Operator);
        foreach (var (address, ready) in new[]
        {
            ("runs", "table"), ("runs/many", ".cohort li"), ("runs/none", "text=No round yet."), ("runs/abandoned", ".notice"), ("runs/budgetExhausted", ".notice"),
            ("clients", ".meter"), ($"clients/{LongClient}", "form"), ("enrolment", "table"), ("models", ".model table"), ("quarantine", "table"), ("new", ".plan .figures"),
        })
        {
            await tab.GoAsync(address);
            await Expect(page.Locator(ready).First).ToBeVisibleAsync();
            await Expect(page.Locator("main h1")).ToHaveCountAsync(1);
            var name = $"look-{address.Split('/')[0]}{(address.Contains('/', StringComparison.Ordinal) ? $"-{address.Split('/')[1][..4]}" : "")}-{width}{(isDark ? "-dark" : "")}";
            await tab.PictureAsync(name);
            await Accessibility.AssertAsync(page, name);
        }

        tab.AssertQuiet();
    }

    private static async Task MockAsync(IPage page, JsonObject run, List<JsonObject> rounds)
    {
        JsonObject Run(string state, Action<JsonObject>? change = null)
        {
            var copy = run.DeepClone().AsObject();
            (copy["state"], copy["name"]) = (state, LongName);
            change?.Invoke(copy);
            return copy;
        }

        var all = new[] { "preparing", "running", "paused", "completed", "stopped", "abandoned", "budgetExhausted" }.Select((state, i) => Run(state, copy => (copy["runId"], copy["name"]) = ($"{i}", i % 2 == 0 ? LongName : $"a run {state}"))).ToList();
        await EventsAsync("runs/events", [.. all.Select(one => ("run", new JsonObject { ["run"] = one })), ("whole", new JsonObject { ["run"] = null })]);
        await EventsAsync("runs/many/events*", [.. Rounds(Run("completed")), ("cohort", new JsonObject { ["run"] = Run("completed"), ["round"] = null, ["cohort"] = Cohort() })]);
        await EventsAsync("runs/none/events*", [("run", new JsonObject { ["run"] = Run("stopped", copy => (copy["round"], copy["model"], copy["endedAt"]) = (0, null, null)), ["round"] = null })]);
        await EventsAsync("runs/abandoned/events*", [.. Rounds(Failed("abandoned", "Round 3 was abandoned 3 times: 1 of 4 updates came before the deadline."))]);
        await EventsAsync("runs/budgetExhausted/events*", [.. Rounds(Failed("budgetExhausted", "Too few clients have budget left: 1 of 4 were admitted by the ledger."))]);
        await JsonAsync("runs/*/clients", new JsonArray([.. Enumerable.Range(0, 30).Select(i => (JsonNode)new JsonObject { ["clientId"] = i == 0 ? LongClient : $"client-{i:000000}", ["examples"] = 75, ["roundsParticipated"] = 3, ["weight"] = 1.0 / (i + 2), ["bytesUp"] = 123456, ["trainingSeconds"] = 1.5 })]));
        await JsonAsync("clients/", new JsonArray([.. Enumerable.Range(0, ManyClients).Select(Client)]));
        await JsonAsync("runs/*/charges", new JsonArray());
        await JsonAsync("ledger/clients/*/forecast*", new JsonArray(new JsonObject { ["ledgerId"] = "l", ["tasksLeft"] = 3, ["charge"] = "1" }));
        await JsonAsync("ledger/clients/*", new JsonObject { ["clientId"] = "x", ["ledgers"] = new JsonArray(new JsonObject { ["ledgerId"] = "l", ["ledger"] = Ledger(), ["units"] = new JsonArray(Unit("example", 0.05), Unit("client", 0.6)) }) });
        await JsonAsync("enrolments/", new JsonArray([.. new[] { "invited", "waiting", "active", "suspended", "revoked" }.Select((state, i) => (JsonNode)new JsonObject
        {
            ["clientId"] = i == 0 ? LongClient : $"clinic-{i}", ["owner"] = i == 1 ? new string('W', 200) : "St Mary’s Hospital Trust", ["state"] = state,
            ["keySha256"] = state is "active" or "suspended" ? new string('a', 64) : null, ["waitingKeySha256"] = state is "waiting" or "active" ? new string('b', 64) : null,
            ["tokenEndsAt"] = state == "invited" ? "2025-01-01T00:00:00Z" : null, ["changedAt"] = "2025-01-01T00:00:00Z",
        })]));
        await JsonAsync("quarantine/*", new JsonArray([.. Enumerable.Range(1, 12).Select(i => (JsonNode)new JsonObject
        {
            ["service"] = "privacy-accountant", ["id"] = 1_000_000 + i, ["endpoint"] = "flevents-privacy-accountant", ["messageId"] = Guid.Empty.ToString(), ["type"] = i % 3 == 0 ? null : "EvaluationSubmitted",
            ["reason"] = i % 2 == 0 ? "UNREADABLE" : "EQUIVOCATION", ["detail"] = i == 1 ? new string('w', 400) : "round is 0: it must be at least 1.", ["at"] = "2025-01-01T00:00:00Z", ["body"] = null,
        })]));
        await JsonAsync("runs/", new JsonArray([.. all.Select(one => one.DeepClone())]));
        await JsonAsync("runs/?limit=20", new JsonArray(Run("completed")));
        await JsonAsync("runs/*/rounds", new JsonArray([.. rounds.Select(round => round.DeepClone())]));

        IEnumerable<(string, JsonObject)> Rounds(JsonObject of) => rounds.Select((round, i) => ("round", new JsonObject { ["run"] = of.DeepClone(), ["round"] = Changed(round, i, of) }));

        JsonObject Changed(JsonObject round, int i, JsonObject of)
        {
            var copy = round.DeepClone().AsObject();
            if (i == rounds.Count - 1 && (string?)of["reason"] is { } reason)
            {
                (copy["state"], copy["reason"]) = ("abandoned", reason);
            }

            return copy;
        }

        JsonObject Failed(string state, string reason) => Run(state, copy => copy["reason"] = reason);

        Task JsonAsync(string path, JsonNode body) => page.RouteAsync($"**/{path.Replace("?", "\\?", StringComparison.Ordinal)}", route => route.FulfillAsync(new() { ContentType = "application/json", Body = body.ToJsonString() }));

        Task EventsAsync(string path, IReadOnlyList<(string Name, JsonObject Data)> events) => page.RouteAsync($"**/{path}", route => route.FulfillAsync(new()
        {
            ContentType = "text/event-stream",
            Body = string.Concat(events.Select(told => $"event: {told.Name}\ndata: {told.Data.ToJsonString()}\n\n")),
        }));
    }

    private static JsonObject Cohort() => new()
    {
        ["round"] = TinyRun.Rounds,
        ["isWhole"] = true,
        ["members"] = new JsonArray([.. Enumerable.Range(0, ManyClients).Select(i => (JsonNode)new JsonObject
        {
            ["clientId"] = i == 0 ? LongClient : $"client-{i:000000}", ["state"] = States[i % States.Length], ["attempt"] = 1, ["bytesUp"] = 0,
            ["reason"] = States[i % States.Length] is "refused" or "rejected" or "failed" ? "BUDGET_EXCEEDED" : null,
        })]),
    };

    private static JsonNode Client(int i) => new JsonObject
    {
        ["clientId"] = i == 0 ? LongClient : $"client-{i:000000}", ["pool"] = i % 2 == 0 ? null : "wards", ["alive"] = i % 3 != 0, ["keySha256"] = i == 0 ? new string('a', 64) : null, ["isEdge"] = i == 0,
        ["dataSets"] = new JsonArray(new JsonObject { ["ledger"] = Ledger(), ["exampleCount"] = 12345, ["privacyUnitColumn"] = i == 0 ? "patient" : null }),
    };

    private static JsonObject Ledger() => new() { ["owner"] = new string('W', 120), ["dataSet"] = "digits", ["partitionRule"] = "iid/10", ["partitionSeed"] = 1, ["partitionIndex"] = 0 };

    private static JsonNode Unit(string unit, double left) => JsonNode.Parse(JsonSerializer.Serialize(new
    {
        unit, entries = 5, reserved = 1, committed = 3, refunded = 1, unbounded = 1, spent = "unbounded", spentUnits = 1, alpha = 12.5, measure = (string?)null,
        budget = new { epsilon = 8, delta = 1e-5, rho = (double?)null, spentEpsilon = 7.2, capacityUnits = 2, left },
    }))!;
}
