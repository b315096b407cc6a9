using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FlEvents.Console.Tests;

/// <summary>Without a pointer, and without seeing.</summary>
public sealed class KeyboardTests(Browser browser, ConsoleServer server)
{
    [Fact]
    public async Task The_keyboard_alone_leads_through_signing_in_and_the_form_to_a_run()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        var (page, keyboard) = (tab.Page, tab.Page.Keyboard);
        await tab.GoAsync("");
        await Expect(page.Locator("#bearer")).ToBeFocusedAsync();
        await keyboard.TypeAsync(ConsoleServer.Operator);
        await keyboard.PressAsync("Enter");
        await Expect(tab.Heading("Runs")).ToBeVisibleAsync();
        await tab.TabToAsync("document.activeElement.hash === '#/new'");
        await keyboard.PressAsync("Enter");
        await Expect(tab.Heading("New run")).ToBeVisibleAsync();
        await tab.TabToAsync("document.activeElement.id === 'f-name'");
        await keyboard.PressAsync("Control+A");
        await keyboard.TypeAsync("by keys");
        await tab.TabToAsync("document.activeElement.id === 'f-rounds'");
        await keyboard.PressAsync("Control+A");
        await keyboard.TypeAsync("2");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Start run" })).ToBeEnabledAsync();
        await tab.TabToAsync("document.activeElement.textContent === 'Start run'");
        await keyboard.PressAsync("Enter");
        await Expect(tab.Heading("by keys")).ToBeVisibleAsync();
        await Expect(page.Locator("main .state").First).ToContainTextAsync("completed");
        tab.AssertQuiet();
    }

    [Theory, InlineData("runs"), InlineData("clients"), InlineData("clients/client-000000"), InlineData("enrolment"), InlineData("models"), InlineData("quarantine"), InlineData("new")]
    public async Task Every_page_has_landmarks_one_heading_named_fields_and_tables_with_headers(string name)
    {
        await server.Api.EndAsync(await server.CreateAsync());
        await using var tab = await browser.OpenAsync(server.Url, width: 360);
        var page = tab.Page;
        await tab.SignInAsync(ConsoleServer.Operator, name);
        await Expect(page.Locator("main h1")).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Navigation, new() { Name = "Pages" }).Locator("[aria-current=page]")).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Banner)).ToBeVisibleAsync();
        Assert.Empty(await page.EvaluateAsync<string[]>("""
            [...document.querySelectorAll("input, select, textarea")].filter(field => !field.labels?.length && !field.ariaLabel).map(field => field.outerHTML)
                .concat([...document.querySelectorAll("table")].filter(table => !table.caption || !table.querySelector("th[scope=col]")).map(table => table.outerHTML))
            """));
        await Accessibility.AssertAsync(page, name);
        await tab.PictureAsync($"{name.Replace('/', '-')}-narrow");
        tab.AssertQuiet();
    }
}
