using FlEvents.Testing;

namespace FlEvents.EndToEnd.Tests;

/// <summary>A <c>flevents run</c> with its API, and requests to it. Its own run is long enough to outlast any test.</summary>
public sealed class ApiServer : IAsyncLifetime
{
    /// <summary>One more than runs need, so that one may be removed.</summary>
    public const int Clients = TinyRun.Clients + 1;

    private readonly TemporaryFolder _folder = new();
    private ChildProcess? _program;

    public HttpClient Http { get; } = new() { Timeout = Product.Patience };

    public RunsApi Api => new(Http);

    public string Out => _folder.File("out");

    /// <summary>The run that the program was started with.</summary>
    public Guid RunId { get; private set; }

    internal ChildProcess Program => _program!;

    public async ValueTask InitializeAsync()
    {
        var file = _folder.File("tiny.json");
        await File.WriteAllTextAsync(file, TinyRun.Json);
        var url = $"http://127.0.0.1:{FreePort.Next()}";
        _program = Product.Start("run", file, "--out", Out, "--listen", url, "--set", "rounds=100000", "--set", $"simulation.clients={Clients}");
        await _program.WaitForLineAsync(line => line.EndsWith($"API at {url}", StringComparison.Ordinal), Product.Patience);
        Http.BaseAddress = new Uri(url);
        await Eventually.HoldsAsync("the program's run is created", async () =>
        {
            var runs = await Api.GetAsync("runs");
            RunId = runs.GetArrayLength() == 1 ? runs[0].GetProperty("runId").GetGuid() : default;
            return RunId != default;
        });
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_program is not null)
        {
            await _program.DisposeAsync();
        }

        _folder.Dispose();
    }
}
