using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Standalone.Hosting;
using FlEvents.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.EndToEnd.Tests;

/// <summary>A run survives the death of its process at any moment.</summary>
public sealed class KillTests : IDisposable
{
    // One client trains at a time, long enough that a moment between two of them can be met.
    private static readonly string[] Slow = ["simulation.workers=1", "training.localEpochs=40"];

    // Still in its second round when its first update has been seen to be admitted.
    private static readonly string[] Slowest = ["simulation.workers=1", "training.localEpochs=400"];

    private readonly TemporaryFolder _folder = new();
    private readonly string _file;
    private readonly string _out;

    public KillTests()
    {
        _file = _folder.File("tiny.json");
        _out = _folder.File("out");
        File.WriteAllText(_file, TinyRun.Json);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_that_is_killed_again_and_again_ends_with_the_model_of_an_undisturbed_one()
    {
        var undisturbed = InProcess.ModelSha256Async(TinyRun.Read(Slow));
        Moment[] moments =
        [
            Moment.Created, Moment.Charged(1), Moment.Training(1), Moment.Admitted(1, 2), Moment.Trained(2), Moment.Frozen(2), Moment.Received(3), Moment.Admitted(3, 4),
        ];

        foreach (var moment in moments)
        {
            await using var program = Product.Start(moment == moments[0] ? FirstStart(Slow) : ["run", "--resume", _out]);
            await program.WaitForLineAsync(line => line.Contains("API at", StringComparison.Ordinal), Product.Patience);
            await moment.InAsync(_out, program);
            await program.KillAsync();
            Assert.False(File.Exists(Path.Combine(_out, "summary.json")), $"The run was over before the kill when {moment.Name}.");
        }

        var (exitCode, output) = await Product.RunAsync("run", "--resume", _out);
        Assert.True(exitCode == 0, output);
        Assert.Equal(await undisturbed, Product.ModelSha256(_out));
        AssertEveryUpdateCountedOnce();
        await AssertEveryClientChargedOnceAsync();
    }

    [Fact]
    public async Task An_interrupted_run_says_how_to_go_on_and_goes_on()
    {
        var undisturbed = InProcess.ModelSha256Async(TinyRun.Read(Slowest));
        await using (var program = Product.Start(FirstStart(Slowest)))
        {
            await Moment.Admitted(2, 1).InAsync(_out, program);

            // As Ctrl-C; but that signal is ignored by whatever a shell has put in the background, and tests may run there.
            program.Signal(Signal.Terminate);
            Assert.Equal(1, await program.WaitForExitAsync(Product.Patience));
            Assert.Contains($"Interrupted. Go on with: ./flevents run --resume {_out}", program.Output);
        }

        using (RunFolder.Open(_out).Folder!.TryHold())
        {
            var (second, refusal) = await Product.RunAsync("run", "--resume", _out);
            Assert.Equal((2, $"Another process is at work in {_out}."), (second, refusal.Trim()));
        }

        var (fresh, message) = await Product.RunAsync("run", _file, "--out", _out);
        Assert.Equal((2, $"{_out} holds a run that has not ended: go on with it by --resume {_out}, or choose another folder."), (fresh, message.Trim()));

        foreach (var what in new[] { "goes on", "is over and shows its end again" })
        {
            var (exitCode, output) = await Product.RunAsync("run", "--resume", _out);
            Assert.True(exitCode == 0, $"A run that {what}: {output}");
            Assert.Equal(await undisturbed, Product.ModelSha256(_out));
        }

        AssertEveryUpdateCountedOnce();
        await AssertEveryClientChargedOnceAsync();
    }

    private IEnumerable<string> FirstStart(IEnumerable<string> changes) => ["run", _file, "--out", _out, .. changes.SelectMany(change => new[] { "--set", change })];

    private void AssertEveryUpdateCountedOnce()
    {
        var summary = Product.Summary(_out);
        Assert.Equal("completed", summary.GetProperty("state").GetString());
        Assert.All(summary.GetProperty("rounds").EnumerateArray(), round => Assert.Equal(TinyRun.Clients, round.GetProperty("updatesAdmitted").GetInt32()));
        Assert.All(summary.GetProperty("clients").EnumerateArray(), client =>
        {
            Assert.Equal(TinyRun.Rounds, client.GetProperty("roundsParticipated").GetInt32());
            Assert.Equal(TinyRun.Rounds * summary.GetProperty("modelSizeBytes").GetInt64(), client.GetProperty("bytesUp").GetInt64());
            Assert.Equal(0.25, client.GetProperty("weight").GetDouble());
        });
    }

    private async Task AssertEveryClientChargedOnceAsync()
    {
        var settings = new DatabaseSettings
        {
            Name = "privacy-accountant",
            Path = Path.Combine(_out, "state", "privacy-accountant", "ledger.db"),
            Synced = true,
            Schema = typeof(LedgerStore).Assembly,
        };
        await using var database = new LedgerDatabase(settings, TimeProvider.System, NullLogger<Database>.Instance);
        var ledger = new LedgerStore(database);
        var entries = ledger.Entries(after: 0, limit: 1000);

        Assert.Null(LedgerVerification.FirstFault(entries, ledger.Receipts()));
        var charges = entries.Where(entry => entry.Kind == EntryKind.Reserve).ToList();
        var expected =
            from round in Enumerable.Range(1, TinyRun.Rounds)
            from client in Enumerable.Range(0, TinyRun.Clients)
            from unit in new[] { "Client", "Example" }
            select $"{round} client-{client:000000} {unit}";
        Assert.Equal(expected, charges.Select(entry => $"{entry.Round} {entry.ClientId} {entry.Unit}").Order(StringComparer.Ordinal));
        Assert.Equal(charges.Count, entries.Count(entry => entry.Kind == EntryKind.Commit));
        Assert.Equal(2 * charges.Count, entries.Count);
    }
}
