using System.Text.RegularExpressions;
using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FlEvents.Console.Tests;

/// <summary>From a key to a model, as a person does it.</summary>
public sealed partial class RunPageTests(Browser browser, ConsoleServer server)
{
    [Fact]
    public async Task Whoever_signs_in_plans_a_run_in_the_form_starts_it_watches_it_and_takes_its_model_home()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        await tab.SignInAsync(ConsoleServer.Operator);
        await page.GetByRole(AriaRole.Link, new() { Name = "New run" }).First.ClickAsync();
        await page.Locator("#f-rounds").FillAsync("0");
        await Expect(page.Locator("#f-rounds-e")).ToHaveTextAsync("Expected 1 to 100000, got 0.");
        var start = page.GetByRole(AriaRole.Button, new() { Name = "Start run" });
        await Expect(start).ToBeDisabledAsync();
        await page.Locator("#f-rounds").FillAsync("12");
        await page.Locator("#f-name").FillAsync("by hand");
        await Expect(start).ToBeEnabledAsync();
        await Expect(page.Locator(".plan")).ToContainTextAsync("12 × 4");
        await tab.PictureAsync("new-run");
        await start.ClickAsync();

        await Expect(tab.Heading("by hand")).ToBeVisibleAsync();
        var cells = page.Locator(".cohort li");
        await Expect(cells).ToHaveCountAsync(TinyRun.Clients);
        await Expect(page.Locator(".cohort .who").First).ToHaveTextAsync("client-000000");
        await Expect(page.GetByText(LaterRound())).ToBeVisibleAsync();
        await tab.PictureAsync("run-live");
        await Expect(page.Locator("main .state").First).ToContainTextAsync("completed");
        await Expect(page.Locator(".chart canvas")).ToHaveCountAsync(4);
        await Expect(page.GetByRole(AriaRole.Table, new() { Name = "Rounds, the newest first" }).Locator("tbody tr")).ToHaveCountAsync(12);
        await Expect(page.Locator(".cohort li[data-state=admitted]")).ToHaveCountAsync(TinyRun.Clients);
        await tab.PictureAsync("run-over");

        var run = await server.Api.GetAsync($"runs/{RunId().Match(page.Url).Value}");
        var sha256 = run.GetProperty("model").GetProperty("sha256").GetString()!;
        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Button, new() { NameRegex = DownloadModel() }).ClickAsync());
        Assert.Equal("by-hand-12.safetensors", download.SuggestedFilename);
        Assert.Equal(sha256, Product.Sha256(await File.ReadAllBytesAsync(await download.PathAsync(), TestContext.Current.CancellationToken)));
        await Expect(page.GetByText($"SHA-256 {sha256} is the run’s.")).ToBeVisibleAsync();
        tab.AssertQuiet();
    }

    [Fact]
    public async Task A_start_that_fails_opens_no_way_to_start_what_was_changed_meanwhile()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        var (asked, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        await page.RouteAsync(new Regex("/runs/$"), async route =>
        {
            asked.TrySetResult();
            await answer.Task;
            await route.FulfillAsync(new() { Status = 503, ContentType = "application/problem+json", Body = """{"detail":"not now"}""" });
        });
        await tab.SignInAsync(ConsoleServer.Operator, "new");
        var start = page.GetByRole(AriaRole.Button, new() { Name = "Start run" });
        await start.ClickAsync();
        await asked.Task.WaitAsync(Product.Patience, TestContext.Current.CancellationToken);
        await page.Locator("#f-rounds").FillAsync("0");
        await Expect(page.Locator("#f-rounds-e")).ToBeVisibleAsync();
        var response = await page.RunAndWaitForResponseAsync(() => Task.FromResult(answer.TrySetResult()), response => response.Status == 503);
        await response.FinishedAsync();
        await page.EvaluateAsync("new Promise(done => setTimeout(done, 0))");
        await Expect(start).ToBeDisabledAsync();
        tab.AssertQuiet("503");
    }

    [Fact]
    public async Task A_run_is_paused_and_stopped_from_its_page_and_only_after_a_second_press()
    {
        var runId = await server.CreateAsync(body => body["rounds"] = 100_000);
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        await tab.SignInAsync(ConsoleServer.Operator, $"runs/{runId}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await Expect(page.Locator("main .state").First).ToContainTextAsync("paused");
        await page.GetByRole(AriaRole.Button, new() { Name = "Resume" }).ClickAsync();
        await Expect(page.Locator("main .state").First).ToContainTextAsync("running");
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop", Exact = true }).ClickAsync();
        Assert.Equal("running", (await server.Api.GetAsync($"runs/{runId}")).GetProperty("state").GetString());
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop for good?" }).ClickAsync();
        await Expect(page.Locator("main .state").First).ToContainTextAsync("stopped");
        tab.AssertQuiet();
    }

    [Fact]
    public async Task All_runs_change_while_they_are_watched_and_new_ones_come_by_themselves()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        await tab.SignInAsync(ConsoleServer.Operator);
        await Expect(tab.Heading("Runs")).ToBeVisibleAsync();
        await Expect(page.Locator("#link")).ToHaveTextAsync("live");
        await server.CreateAsync(body => body["name"] = "came later");
        var row = page.GetByRole(AriaRole.Row, new() { NameRegex = CameLater() });
        await Expect(row).ToContainTextAsync("completed");
        await Expect(row).ToContainTextAsync("3 / 3");
        await tab.PictureAsync("runs");
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await tab.PictureAsync("runs-dark");
        await page.SetViewportSizeAsync(390, 844);
        await tab.PictureAsync("runs-narrow");
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= 390"), "The page is wider than the window.");
        tab.AssertQuiet();
    }

    [Fact]
    public async Task Budgets_are_bars_with_what_they_still_allow_and_a_plan_says_when_they_will_not_do()
    {
        using var folder = new TemporaryFolder();
        await using var federation = await ConsoleServer.StartAsync(folder.Path, secure: null, "simulation.budgets.example={\"epsilon\":8,\"delta\":1e-5}");
        using var http = new HttpClient { BaseAddress = new Uri(federation.Url), Timeout = Product.Patience };
        var api = new RunsApi(http);
        await ConsoleServer.EnrolledAsync(http);
        var body = TinyRun.Body();
        ConsoleServer.WithPrivacy(body);
        body["rounds"] = 2;
        var runId = await api.CreateAsync(body);
        await api.EndAsync(runId);
        await using var tab = await browser.OpenAsync(http.BaseAddress);
        var page = tab.Page;
        await tab.GoAsync("clients");
        await page.Locator("#like").SelectOptionAsync(runId.ToString());
        var row = page.GetByRole(AriaRole.Row, new() { NameRegex = FirstClient() });
        await Expect(row).ToContainTextAsync(SpentOf());
        await Expect(row).ToContainTextAsync(MoreRounds());
        await Expect(row.Locator(".meter")).ToBeVisibleAsync();
        await tab.PictureAsync("clients");
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await tab.PictureAsync("clients-dark");

        await tab.GoAsync($"new/{runId}");
        await page.Locator("#f-rounds").FillAsync("2000");
        await Expect(page.Locator(".plan .unit").First).ToContainTextAsync("The ledger will refuse the rest.");
        await Expect(page.Locator(".plan .chart canvas")).ToBeVisibleAsync();
        await tab.PictureAsync("new-run-private-dark");
        tab.AssertQuiet();
    }

    [GeneratedRegex("^Round ([2-9]|1[0-2]), ")]
    private static partial Regex LaterRound();

    [GeneratedRegex("[0-9a-f-]{36}")]
    private static partial Regex RunId();

    [GeneratedRegex("^Download model")]
    private static partial Regex DownloadModel();

    [GeneratedRegex("^came later")]
    private static partial Regex CameLater();

    [GeneratedRegex("^client-000000")]
    private static partial Regex FirstClient();

    [GeneratedRegex("ε [0-9.]+ spent of ε = 8, [0-9.]+ % left")]
    private static partial Regex SpentOf();

    [GeneratedRegex("[0-9]+ more round")]
    private static partial Regex MoreRounds();
}
