using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;

namespace FlEvents.Faults.Tests;

/// <summary>A disk that fails at writes (SQLITE_IOERR): the kernel refuses the process any more bytes in its files, then allows them.</summary>
public sealed class FailingDiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_ledger_whose_writes_fail_changes_nothing_says_so_and_goes_on_by_itself_when_they_do_not()
    {
        Assert.SkipUnless(await RunAsync("prlimit", "--version") == 0 && await RunAsync("env", "--ignore-signal=XFSZ", "true") == 0, "Needs prlimit and env of the GNU core utilities 8.31.");
        var url = $"http://127.0.0.1:{FreePort.Next()}";
        Dictionary<string, string?> settings = new()
        {
            ["ASPNETCORE_URLS"] = url,
            ["Bus__Transport"] = "Memory",
            ["PrivacyAccountant__DataFolder"] = _folder.File("ledger"),
        };

        // A process that does not ignore the signal is ended by it, and then starts as after any crash.
        await using var ledger = ChildProcess.Start("env", ["--ignore-signal=XFSZ", Product.Dotnet, Path.Combine(AppContext.BaseDirectory, "FlEvents.PrivacyAccountant.dll")], settings, _folder.Path);
        using var http = new HttpClient { BaseAddress = new Uri(url), Timeout = Product.Patience };
        await Eventually.HoldsAsync("the ledger is ready", async () => await StatusAsync(http, "health") == HttpStatusCode.OK);

        await LimitAsync(ledger.Id, "1:unlimited");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await SetBudgetAsync(http));
        await Eventually.HoldsAsync("the ledger says that it is not ready", async () => await StatusAsync(http, "health") == HttpStatusCode.ServiceUnavailable);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, "alive"));
        await ledger.WaitForLineAsync(line => line.Contains("disk I/O error", StringComparison.Ordinal), Product.Patience);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await SetBudgetAsync(http));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(http, "health"));
        Assert.Contains("\"sequence\":0", await http.GetStringAsync("ledger/head"), StringComparison.Ordinal);

        await LimitAsync(ledger.Id, "unlimited:unlimited");
        await Eventually.HoldsAsync("the ledger is ready", async () => await StatusAsync(http, "health") == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, await SetBudgetAsync(http));
        var (exitCode, said) = await Product.RunAsync("ledger", "verify", "--data", _folder.File("ledger", "ledger.db"));
        Assert.True(exitCode == 0, said);
    }

    // What can't be noted in the audit log is not done.
    private static async Task<HttpStatusCode> SetBudgetAsync(HttpClient http)
    {
        using var answer = await http.PutAsJsonAsync("ledger/budgets", new
        {
            ledger = new { owner = "north", dataSet = "bank", partitionRule = "iid/10", partitionSeed = 7, partitionIndex = 3 },
            unit = "client",
            rho = 0.5,
        });
        return answer.StatusCode;
    }

    private static async Task LimitAsync(int process, string size) =>
        Assert.Equal(0, await RunAsync("prlimit", "--pid", process.ToString(CultureInfo.InvariantCulture), $"--fsize={size}"));

    private static async Task<HttpStatusCode?> StatusAsync(HttpClient http, string path)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(path, UriKind.Relative));
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
