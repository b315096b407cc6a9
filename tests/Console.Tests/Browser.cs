using FlEvents.Testing;
using Microsoft.Playwright;

namespace FlEvents.Console.Tests;

/// <summary>Debian's Chromium without a window. Playwright's own browsers are downloads, and are not asked for.</summary>
public sealed class Browser : IAsyncLifetime
{
    private const string Program = "/usr/bin/chromium";

    /// <summary>Longest that anything on a page may take to come, in milliseconds: far more than it does, on a busy machine too.</summary>
    private const float Patience = 60_000;

    private static readonly string[] Arguments =
        ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Program))
        {
            return;
        }

        Assertions.SetDefaultExpectTimeout(Patience);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Program, Headless = true, Args = Arguments, Timeout = Patience });
    }

    /// <summary>A tab with a profile of its own.</summary>
    /// <param name="isDark">What the reader prefers.</param>
    /// <param name="width">Of the window, in pixels.</param>
    public async Task<Tab> OpenAsync(Uri server, bool isDark = false, int width = 1280)
    {
        Assert.SkipWhen(_browser is null, $"There is no {Program}; on Debian: sudo apt-get install --no-install-recommends chromium");
        var context = await _browser.NewContextAsync(new()
        {
            BaseURL = server.ToString(),
            ColorScheme = isDark ? ColorScheme.Dark : ColorScheme.Light,
            ViewportSize = new() { Width = width, Height = 900 },
        });
        context.SetDefaultTimeout(Patience);
        return new Tab(context, await context.NewPageAsync(), server);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }
}

/// <summary>A tab that notes what must not happen in it.</summary>
public sealed class Tab : IAsyncDisposable
{
    private const int MostSteps = 120;

    private static readonly string Pictures = Repository.File("out", "console");

    private readonly IBrowserContext _context;
    private readonly List<string> _errors = [];
    private readonly List<string> _strangers = [];

    public Tab(IBrowserContext context, IPage page, Uri server)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) => Note(_errors, message.Type is "error" or "warning", $"{message.Type}: {message.Text}");
        page.PageError += (_, error) => Note(_errors, true, error);
        page.Dialog += async (_, dialog) =>
        {
            Note(_errors, true, $"dialog: {dialog.Message}");
            await dialog.DismissAsync();
        };
        context.Request += (_, request) => Note(_strangers, !request.Url.StartsWith(server.ToString(), StringComparison.Ordinal) && !request.Url.StartsWith("blob:", StringComparison.Ordinal), request.Url);
    }

    public IPage Page { get; }

    /// <summary>Goes to a page of the console.</summary>
    public Task GoAsync(string page) => Page.GotoAsync($"console/#/{page}");

    /// <summary>Goes to a page of the console by way of signing in.</summary>
    public async Task SignInAsync(string key, string page = "runs")
    {
        await GoAsync(page);
        await Page.GetByLabel("API key or token").FillAsync(key);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" })).ToBeVisibleAsync();
    }

    public ILocator Heading(string name) => Page.GetByRole(AriaRole.Heading, new() { Name = name, Exact = true });

    /// <summary>Goes on by the keyboard until a condition in the page holds. What has the focus can be seen at every step.</summary>
    public async Task TabToAsync(string isThere)
    {
        for (var step = 0; step < MostSteps; step++)
        {
            await Page.Keyboard.PressAsync("Tab");
            Assert.True(await Page.EvaluateAsync<bool>("document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== 'none'"), "What has the focus does not show it.");
            if (await Page.EvaluateAsync<bool>(isThere))
            {
                return;
            }
        }

        Assert.Fail($"The keyboard does not lead to where {isThere}.");
    }

    /// <summary>Leaves a picture of the whole page in <c>out/console</c>, for people.</summary>
    public Task PictureAsync(string name) => Page.ScreenshotAsync(new() { Path = Path.Combine(Pictures, $"{name}.png"), FullPage = true });

    /// <summary>Fails where the browser found anything wrong, or another host was asked for something.</summary>
    /// <param name="expected">What a status that was meant to come is told by.</param>
    public void AssertQuiet(params string[] expected)
    {
        lock (_errors)
        {
            Assert.DoesNotContain(_errors, error => !expected.Any(text => error.Contains(text, StringComparison.Ordinal)));
        }

        lock (_strangers)
        {
            Assert.Empty(_strangers);
        }
    }

    public ValueTask DisposeAsync() => _context.DisposeAsync();

    private static void Note(List<string> notes, bool isWorth, string text)
    {
        if (isWorth)
        {
            lock (notes)
            {
                notes.Add(text);
            }
        }
    }
}
