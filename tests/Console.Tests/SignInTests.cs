using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FlEvents.Console.Tests;

/// <summary>Who is let in, with what, and what is told to whom is not.</summary>
public sealed class SignInTests(Browser browser, ConsoleServer server)
{
    [Fact]
    public async Task A_key_that_is_not_known_is_refused_and_nothing_of_it_is_kept()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        await tab.GoAsync("runs");
        await page.GetByLabel("API key or token").FillAsync(ApiKey.New());
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.Locator("#bearer-error")).ToContainTextAsync("not known here");
        Assert.Equal(0, await page.EvaluateAsync<int>("sessionStorage.length + localStorage.length + document.cookie.length"));
        await Expect(page.GetByRole(AriaRole.Navigation)).ToBeHiddenAsync();
        tab.AssertQuiet("401");
    }

    [Fact]
    public async Task A_key_lives_in_the_session_alone_and_goes_with_signing_out()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        await tab.SignInAsync(ConsoleServer.Operator);
        Assert.Equal(ConsoleServer.Operator, await page.EvaluateAsync<string>("sessionStorage.getItem('flevents.bearer')"));
        Assert.Equal(0, await page.EvaluateAsync<int>("localStorage.length + document.cookie.length"));
        Assert.DoesNotContain(ConsoleServer.Operator, page.Url, StringComparison.Ordinal);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(tab.Heading("Sign in")).ToBeVisibleAsync();
        Assert.Equal(0, await page.EvaluateAsync<int>("sessionStorage.length"));
        tab.AssertQuiet();
    }

    [Fact]
    public async Task A_key_that_is_no_longer_good_leads_back_to_signing_in()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        await tab.SignInAsync(ConsoleServer.Operator);
        await page.EvaluateAsync($"sessionStorage.setItem('flevents.bearer', '{ApiKey.New()}')");
        await page.GetByRole(AriaRole.Link, new() { Name = "Clients" }).ClickAsync();
        await Expect(tab.Heading("Sign in")).ToBeVisibleAsync();
        await Expect(page.Locator("#bearer-error")).ToContainTextAsync("Sign in again.");
        await page.GetByLabel("API key or token").FillAsync(ConsoleServer.Operator);
        await page.Keyboard.PressAsync("Enter");
        await Expect(tab.Heading("Clients")).ToBeVisibleAsync();
        tab.AssertQuiet("401");
    }

    [Fact]
    public async Task A_key_without_a_scope_is_told_which_one_is_missing_and_sees_the_rest()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        var runId = await server.CreateAsync(body => body["rounds"] = 100_000);
        await tab.SignInAsync(ConsoleServer.Reader, "clients");
        await Expect(page.Locator(".notice")).ToContainTextAsync("Budgets cannot be shown: Your key is missing a scope: reader may do runs:read; this needs ledger:read.");
        await Expect(page.GetByRole(AriaRole.Rowheader, new() { Name = "client-000003" })).ToBeVisibleAsync();
        await tab.GoAsync("new");
        await Expect(page.GetByText("Your key may plan runs, not start them: that needs runs:write.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Start run" })).ToHaveCountAsync(0);
        await tab.GoAsync($"runs/{runId}");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "New run like this" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Pause" })).ToHaveCountAsync(0);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Stop" })).ToHaveCountAsync(0);
        await server.Api.PostAsync(runId, "stop");
        tab.AssertQuiet("403");
    }

    [Fact]
    public async Task A_key_for_the_ledger_alone_is_let_in_and_told_what_it_does_not_open()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        await tab.SignInAsync(ConsoleServer.Auditor);
        await Expect(tab.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("auditor may do ledger:read; this needs runs:read.");
        tab.AssertQuiet("403");
    }

    [Fact]
    public async Task An_open_deployment_asks_nobody()
    {
        using var folder = new TemporaryFolder();
        await using var open = await ConsoleServer.StartAsync(folder.Path, secure: null);
        await using var tab = await browser.OpenAsync(new Uri(open.Url));
        await tab.GoAsync("");
        await Expect(tab.Heading("Runs")).ToBeVisibleAsync();
        await Expect(tab.Page.GetByText("No run yet.")).ToBeVisibleAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" })).ToBeHiddenAsync();
        tab.AssertQuiet();
    }
}
