using System.Diagnostics;
using Dapper;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.PrivacyAccountant;
using FlEvents.RabbitMq.Tests;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;
using Microsoft.Data.Sqlite;

namespace FlEvents.Faults.Tests;

/// <summary>Services of a real deployment put back from backups while a run goes on; afterwards the databases are checked against each other.</summary>
public sealed class RestoreTests(RabbitMqBroker broker, ITestOutputHelper output) : IDisposable
{
    private const int Rounds = 12;

    private static readonly RunFile Noised = TinyRun.Read(
        $"rounds={Rounds}", "training.localEpochs=20", "evaluation.federated=false", "training.validationFraction=0", "selection.minimumReports=1",
        "privacy.mode=local", "privacy.local.clipNorm=1", "privacy.local.noiseMultiplier=1");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task S22_a_ledger_put_back_to_an_earlier_state_is_quarantined_reconciled_and_goes_on_with_nothing_under_counted(bool isBackup)
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        var (ledger, kept) = (services.DatabaseOf(Deployment.Accountant), _folder.File("ledger.db"));
        await StartAsync(services);
        var runId = await services.CreateAsync(Noised);
        OutputObserver observer = new([services.DatabaseOf("worker-1"), services.DatabaseOf("worker-2")], services.DatabaseOf(Deployment.Aggregator));
        await using (observer)
        {
            await ReleasedAsync(services, round: 2);
            await (isBackup ? BackUpAsync(services, Deployment.Accountant, kept) : CopyAsync(services, ledger, kept));
            await ReleasedAsync(services, round: 5);

            // Nobody is there to tell the ledger anything, or to ask it.
            await services.KillAsync(Deployment.Orchestrator);
            await services.KillAsync(Deployment.Accountant);
            var charged = Charges(ledger);
            await PutBackAsync(isBackup, kept, ledger);
            var before = Charges(ledger);
            Assert.True(before.Count < charged.Count, "The state that was put back is not an earlier one.");
            services.Start(Deployment.Accountant);
            await Eventually.HoldsAsync("the ledger answers", async () => await services.StatusAsync(Deployment.Accountant, "alive") == 200);
            await Eventually.HoldsAsync("its health tells", async () => await services.StatusAsync(Deployment.Accountant, "health") == (isBackup ? 503 : 200));

            // The run waits, and then goes on, with no hand at it.
            var since = Stopwatch.GetTimestamp();
            services.Start(Deployment.Orchestrator);
            await Eventually.HoldsAsync("the Orchestrator answers", async () => await services.StatusAsync(Deployment.Orchestrator, "alive") == 200);
            Assert.Equal("completed", (await services.Api.EndAsync(runId)).GetProperty("state").GetString());
            await services.ReadyAsync();
            output.WriteLine($"{charged.Count - before.Count} charges in one unit were lost; the run had ended {Stopwatch.GetElapsedTime(since).TotalSeconds:F1} s later.");
            Assert.Empty(charged.Except(Charges(ledger)));
        }

        AssertReconciled(services);
        await AssertCleanAsync(services, runId, observer, lostRounds: 0);
    }

    [Fact]
    public async Task An_aggregator_put_back_from_a_backup_gives_its_open_round_up_and_the_run_goes_on()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        await StartAsync(services);
        var runId = await services.CreateAsync(Noised);
        OutputObserver observer = new([services.DatabaseOf("worker-1"), services.DatabaseOf("worker-2")], services.DatabaseOf(Deployment.Aggregator));
        await using (observer)
        {
            var kept = _folder.File("aggregator.db");
            await ReleasedAsync(services, round: 2);
            await BackUpAsync(services, Deployment.Aggregator, kept);
            await ReleasedAsync(services, round: 5);
            await services.KillAsync(Deployment.Aggregator);
            await PutBackAsync(isBackup: true, kept, services.DatabaseOf(Deployment.Aggregator));
            services.Start(Deployment.Aggregator);
            Assert.Equal("completed", (await services.Api.EndAsync(runId)).GetProperty("state").GetString());
        }

        // Each model that anyone saw is of another round, and was charged.
        var models = (await services.Api.RoundsAsync(runId)).Where(round => round.GetProperty("state").GetString() == "done").Select(round => round.GetProperty("modelSha256").GetString()).ToList();
        Assert.Equal(models.Count, models.Distinct().Count());
        await AssertCleanAsync(services, runId, observer, lostRounds: 1);
    }

    private static async Task StartAsync(Deployment services)
    {
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        services.StartWorker("worker-2");
        await services.ReadyAsync();
    }

    private static Task ReleasedAsync(Deployment services, int round) => Moment.Released(round).InDatabaseAsync(services.DatabaseOf(Deployment.Aggregator), services[Deployment.Aggregator]);

    private static async Task BackUpAsync(Deployment services, string service, string file)
    {
        var (exitCode, said) = await Product.RunAsync("backup", "--url", services.UrlOf(service), "--to", file);
        Assert.True(exitCode == 0, said);
    }

    // As somebody does who knows nothing of backups: the files of a service that is stopped.
    private static async Task CopyAsync(Deployment services, string database, string copy)
    {
        await services.KillAsync(Deployment.Accountant);
        foreach (var part in new[] { "", "-wal" }.Where(part => File.Exists(database + part)))
        {
            File.Copy(database + part, copy + part);
        }

        services.Start(Deployment.Accountant);
    }

    private static async Task PutBackAsync(bool isBackup, string kept, string database)
    {
        if (isBackup)
        {
            var (exitCode, said) = await Product.RunAsync("restore", "--from", kept, "--to", database);
            Assert.True(exitCode == 0, said);
            return;
        }

        foreach (var part in new[] { "", "-wal", "-shm" })
        {
            File.Delete(database + part);
        }

        foreach (var part in new[] { "", "-wal" }.Where(part => File.Exists(kept + part)))
        {
            File.Copy(kept + part, database + part);
        }
    }

    private static List<string> Charges(string ledger) => Read<string>(ledger, "select reservation_id from reservation where unit = 'client' and state <> 'refunded'");

    // The log verifies, with every receipt that the Orchestrator ever kept of it, and tells of its quarantine.
    private static void AssertReconciled(Deployment services)
    {
        using var source = LedgerFileSource.Open(services.DatabaseOf(Deployment.Accountant));
        var entries = source.Entries().ToList();
        var receipts = Read<LedgerReceipt>(
            services.DatabaseOf(Deployment.Orchestrator),
            "select receipt_seq Sequence, receipt_hash Hash from round where receipt_seq is not null union select receipt_seq, receipt_hash from budget_request where receipt_seq is not null");
        Assert.Null(LedgerVerification.FirstFault(entries, [.. receipts, .. source.Receipts()]));
        Assert.Equal(EntryKind.Release, entries.Select(entry => entry.Kind).Last(kind => kind is EntryKind.Quarantine or EntryKind.Release));
        Assert.Contains(entries, entry => entry is { Kind: EntryKind.Reserve, Reason: LedgerReason.Reconciled });
        Assert.Contains(entries, entry => entry.Kind == EntryKind.Reconcile);
    }

    private async Task AssertCleanAsync(Deployment services, Guid runId, OutputObserver observer, int lostRounds)
    {
        var history = History.Of(runId, services.DatabaseOf(Deployment.Orchestrator), services.DatabaseOf(Deployment.Aggregator), services.DatabaseOf(Deployment.Accountant));
        var verdict = Verdict.Of("noised", Rounds, history, observer.Received);
        output.WriteLine($"{Verdict.Header}\n{verdict}");
        Assert.InRange(verdict.LostRounds, 0, lostRounds);
        Assert.Equal((0, 0, 0, 0), (verdict.DoubleCharges, verdict.UnderCounts, verdict.RepeatedOutputs, verdict.OpenCharges));
        var (exitCode, said) = await Product.RunAsync("ledger", "verify", "--data", services.DatabaseOf(Deployment.Accountant));
        Assert.True(exitCode == 0, said);
    }

    private static List<T> Read<T>(string path, string query)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
        return connection.Query<T>(query).AsList();
    }
}
