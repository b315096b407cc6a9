using System.Text.Json.Nodes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FlEvents.Console.Tests;

/// <summary>Names and reasons come from whoever may create a run or run a client.</summary>
public sealed class HostileTextTests(Browser browser, ConsoleServer server)
{
    private const string Name = "<img src=x onerror=\"document.title='owned';alert(1)\"><script>document.title='owned'</script>'\"";

    [Fact]
    public async Task A_name_that_looks_like_markup_is_a_text_on_every_page()
    {
        var runId = await server.CreateAsync(body => body["name"] = Name);
        await server.Api.EndAsync(runId);
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        await tab.SignInAsync(ConsoleServer.Operator);
        await AssertTextAsync(page.GetByRole(AriaRole.Link, new() { Name = Name, Exact = true }).First);
        await tab.GoAsync($"runs/{runId}");
        await AssertTextAsync(tab.Heading(Name));
        await tab.GoAsync("models");
        await AssertTextAsync(page.Locator("summary .name", new() { HasText = Name }).First);
        await tab.GoAsync($"new/{runId}");
        await Expect(page.Locator("#f-name")).ToHaveValueAsync(Name);
        await Expect(page.Locator($"#from option[value='{runId}']")).ToHaveTextAsync($"run: {Name}");
        await tab.GoAsync("clients");
        await Expect(page.Locator($"#like option[value='{runId}']")).ToContainTextAsync(Name);
        Assert.DoesNotContain("owned", await page.TitleAsync(), StringComparison.Ordinal);
        tab.AssertQuiet();

        async Task AssertTextAsync(ILocator place)
        {
            await Expect(place).ToHaveTextAsync(Name);
            Assert.Equal(0, await page.Locator("img[src=x], main script").CountAsync());
        }
    }

    [Fact]
    public async Task Errors_that_a_service_writes_about_what_it_was_sent_are_text_too()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        await tab.SignInAsync(ConsoleServer.Operator, "new");
        await page.GetByText("As JSON: the run part of a run file").ClickAsync();
        var body = JsonNode.Parse(await page.Locator("#json").InputValueAsync())!.AsObject();
        body["data"]!["dataSet"] = "nobody-has-this";
        body[Name] = 1;
        await page.Locator("#json").FillAsync(body.ToJsonString());
        await Expect(page.GetByRole(AriaRole.List, new() { Name = "Errors without a field" })).ToContainTextAsync($"$.{Name}: There is no such key.");
        body.Remove(Name);
        await page.Locator("#json").FillAsync(body.ToJsonString());
        await Expect(page.Locator(".notice")).ToContainTextAsync("No client that is there holds data set nobody-has-this");
        Assert.Equal(0, await page.Locator("img[src=x], main script").CountAsync());
        tab.AssertQuiet("409");
    }

    [Fact]
    public async Task A_script_that_came_into_the_page_after_all_would_not_run_and_no_text_becomes_markup()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        await tab.GoAsync("runs");
        await Expect(tab.Heading("Sign in")).ToBeVisibleAsync();
        var ends = await tab.Page.EvaluateAsync<string[]>("""
            () => {
                const owned = "document.title = 'owned'";
                const end = attack => { try { attack(); return "done"; } catch (error) { return error.name; } };
                const image = document.body.appendChild(document.createElement("img"));
                const script = document.body.appendChild(document.createElement("script"));
                return [
                    end(() => document.body.insertAdjacentHTML("beforeend", `<img src=x onerror="${owned}">`)),
                    end(() => { document.body.innerHTML = "<b></b>"; }),
                    end(() => image.setAttribute("onerror", owned)),
                    end(() => { script.text = owned; }),
                    end(() => { script.src = `data:text/javascript,${owned}`; }),
                    end(() => trustedTypes.createPolicy("own", { createHTML: text => text })),
                ];
            }
            """);
        Assert.Equal(["TypeError", "TypeError", "TypeError", "TypeError", "TypeError", "TypeError"], ends);
        Assert.DoesNotContain("owned", await tab.Page.TitleAsync(), StringComparison.Ordinal);
        tab.AssertQuiet("Content Security Policy", "Trusted", "404");
    }

    [Theory, InlineData("constructor"), InlineData("__proto__/x"), InlineData("run"), InlineData("runs%"), InlineData("%zz/1")]
    public async Task An_address_that_names_no_page_leads_to_the_runs(string address)
    {
        await using var tab = await browser.OpenAsync(server.Url);
        await tab.SignInAsync(ConsoleServer.Reader, address);
        await Expect(tab.Heading("Runs")).ToBeVisibleAsync();
        tab.AssertQuiet();
    }
}
