using System.Diagnostics;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;
using Microsoft.Data.Sqlite;

namespace FlEvents.Faults.Tests;

/// <summary>The ledger on a disk that is full, or can't be written (scenario S24).</summary>
public sealed class BrokenDiskTests(RabbitMqBroker broker)
{
    [Fact]
    public async Task S24_a_ledger_on_a_full_disk_charges_nothing_sends_no_task_out_and_goes_on_by_itself_when_there_is_room()
    {
        var expected = await InProcess.ModelSha256Async(TinyRun.Read());
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        await using var disk = await SmallDisk.MountAsync(Path.GetDirectoryName(services.DatabaseOf(Deployment.Accountant))!);
        await StartAsync(services);

        await disk.FillAsync();
        var runId = await services.CreateAsync(TinyRun.Read());
        await Eventually.HoldsAsync("the ledger says that it is not ready", async () => await services.StatusAsync(Deployment.Accountant, "health") == 503);
        Assert.Equal(200, await services.StatusAsync(Deployment.Accountant, "alive"));
        AssertNothingDispatched(services, runId);

        disk.Empty();
        await CompletesAsync(services, runId, expected);
    }

    [Fact]
    public async Task S24_a_ledger_on_a_read_only_disk_charges_nothing_says_so_and_goes_on_when_it_is_started_on_a_writable_one()
    {
        var expected = await InProcess.ModelSha256Async(TinyRun.Read());
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        await using var disk = await SmallDisk.MountAsync(Path.GetDirectoryName(services.DatabaseOf(Deployment.Accountant))!);
        await StartAsync(services);

        // A file that is open for writing keeps a file system writable, so the ledger is away while it changes.
        await services.KillAsync(Deployment.Accountant);
        await disk.RemountAsync("ro");
        services.Start(Deployment.Accountant);
        var runId = await services.CreateAsync(TinyRun.Read());
        await Eventually.HoldsAsync("the ledger has ended or says that it is not ready", async () =>
            services[Deployment.Accountant].HasExited || await services.StatusAsync(Deployment.Accountant, "health") == 503);
        AssertNothingDispatched(services, runId);

        await services.KillAsync(Deployment.Accountant);
        await disk.RemountAsync("rw");
        services.Start(Deployment.Accountant);
        await CompletesAsync(services, runId, expected);
    }

    // SQLITE_BUSY: for longer than the five seconds that a commit waits for the lock.
    [Fact]
    public async Task A_ledger_whose_database_another_process_has_locked_charges_nothing_sends_no_task_out_and_goes_on_by_itself()
    {
        var expected = await InProcess.ModelSha256Async(TinyRun.Read());
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        await StartAsync(services);
        Guid runId;
        await using (var other = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = services.DatabaseOf(Deployment.Accountant), Pooling = false }.ToString()))
        {
            await other.OpenAsync();
            await using var held = await other.BeginTransactionAsync();
            runId = await services.CreateAsync(TinyRun.Read());
            await Eventually.HoldsAsync("the ledger says that it is not ready", async () => await services.StatusAsync(Deployment.Accountant, "health") == 503);
            Assert.Equal(200, await services.StatusAsync(Deployment.Accountant, "alive"));
            AssertNothingDispatched(services, runId);
        }

        await CompletesAsync(services, runId, expected);
    }

    private static async Task StartAsync(Deployment services)
    {
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        await services.ReadyAsync();
    }

    private static void AssertNothingDispatched(Deployment services, Guid runId)
    {
        var dispatched = new Moment("a task is out", "", $"select exists (select 1 from member where run_id = '{runId}' and state <> 'Planned')");
        Assert.False(dispatched.HasCome(services.DatabaseOf(Deployment.Orchestrator)), "A task went out that nothing was charged for.");
    }

    private static async Task CompletesAsync(Deployment services, Guid runId, string expected)
    {
        Assert.Equal(expected, await services.ModelSha256Async(runId));
        await services.ReadyAsync();
        var (exitCode, said) = await Product.RunAsync("ledger", "verify", "--data", services.DatabaseOf(Deployment.Accountant));
        Assert.True(exitCode == 0, said);
    }

    /// <summary>A file system of a few megabytes in memory, over an empty folder.</summary>
    private sealed class SmallDisk : IAsyncDisposable
    {
        private readonly string _path;
        private string Filler => Path.Combine(_path, "filler");

        private SmallDisk(string path) => _path = path;

        public static async Task<SmallDisk> MountAsync(string path)
        {
            Directory.CreateDirectory(path);
            Assert.SkipUnless(await RunAsync("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path) == 0, "Mounting a file system needs root and the right to mount.");
            return new SmallDisk(path);
        }

        public async Task FillAsync()
        {
            await using var filler = File.Create(Filler);
            var zeros = new byte[4096];
            try
            {
                while (true)
                {
                    await filler.WriteAsync(zeros);
                    await filler.FlushAsync();
                }
            }
            catch (IOException)
            {
                // Full.
            }
        }

        public void Empty() => File.Delete(Filler);

        public async Task RemountAsync(string mode) => Assert.Equal(0, await RunAsync("mount", "-o", $"remount,{mode}", _path));

        public async ValueTask DisposeAsync() => await RunAsync("umount", "-l", _path);

        private static async Task<int> RunAsync(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
    }
}
