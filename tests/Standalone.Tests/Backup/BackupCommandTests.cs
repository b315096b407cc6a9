using System.Net;
using System.Runtime.Versioning;
using FlEvents.Contracts;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Backup;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Standalone.Backup;
using FlEvents.Standalone.Commands;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlEvents.Standalone.Tests.Backup;

/// <summary>The commands against a service that runs: a whole backup or none, and nothing put in the place of a database that is in use.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class BackupCommandTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2025, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly TemporaryFolder _folder = new();
    private WebApplication _app = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder(["--urls=http://127.0.0.1:0", "--Bus:Transport=Memory", $"--PrivacyAccountant:DataFolder={_folder.File("ledger")}"]);
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults();
        builder.AddPrivacyAccountant();
        builder.AddBus(bus => bus.AddPrivacyAccountantConsumers());
        _app = builder.Build();
        _app.MapServiceDefaults();
        _app.MapPrivacyAccountant();
        await _app.StartAsync();
        _http = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_backup_is_a_whole_file_for_its_owner_alone_and_the_hash_is_the_files()
    {
        var file = _folder.File("backup.db");

        var snapshot = await BackupDownload.FetchAsync(_http, service: null, file, CancellationToken.None);

        Assert.Equal((snapshot.SizeBytes, snapshot.Sha256), (new FileInfo(file).Length, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(file)))));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Snapshot.Check(file);
        Assert.Equal(["backup.db"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
        Assert.Empty(Directory.GetFiles(_folder.File("ledger"), "backup-*"));
    }

    [Fact]
    public async Task A_file_that_exists_is_not_replaced_and_nothing_is_left_of_the_attempt()
    {
        var file = _folder.File("backup.db");
        await File.WriteAllTextAsync(file, "older");

        await Assert.ThrowsAsync<IOException>(() => BackupDownload.FetchAsync(_http, "privacy-accountant", file, CancellationToken.None));

        Assert.Equal("older", await File.ReadAllTextAsync(file));
        Assert.Equal(["backup.db"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("hash", "announced was")]
    [InlineData("body", "announced was")]
    [InlineData("header", "has no header Backup-Sha256")]
    [InlineData("mark", "has not the mark of a backup")]
    public async Task What_did_not_come_as_it_was_sent_is_no_backup(string fault, string expected)
    {
        using var http = new HttpClient(new Spoiling(fault)) { BaseAddress = _http.BaseAddress };

        var thrown = await Assert.ThrowsAsync<BackupException>(() => BackupDownload.FetchAsync(http, "privacy-accountant", _folder.File("backup.db"), CancellationToken.None));

        Assert.Contains(expected, thrown.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_named_with_those_that_are()
    {
        var thrown = await Assert.ThrowsAsync<BackupException>(() => BackupDownload.FetchAsync(_http, "orchestrator", _folder.File("backup.db"), CancellationToken.None));

        Assert.EndsWith("has no service \"orchestrator\": expected one of privacy-accountant.", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await _http.GetAsync("backup/orchestrator")).StatusCode);
    }

    [Fact]
    public async Task A_restore_puts_what_is_there_aside_with_its_log_and_refuses_a_database_in_use()
    {
        var (backup, database) = (_folder.File("backup.db"), _folder.File("ledger", "ledger.db"));
        await BackupDownload.FetchAsync(_http, service: null, backup, CancellationToken.None);
        Assert.EndsWith("is in use: expected its service to be stopped.", (await Assert.ThrowsAsync<BackupException>(() => RestoredFile.PutAsync(backup, database, Noon))).Message, StringComparison.Ordinal);
        Assert.False(Restoration.HasMark(database));
        await _app.StopAsync();
        await _app.DisposeAsync();
        await File.WriteAllTextAsync($"{database}-wal", "of the old one");

        var aside = await RestoredFile.PutAsync(backup, database, Noon);

        Assert.Equal($"{database}.replaced-20250301T120000Z", aside);
        Assert.True(Restoration.HasMark(database));
        Assert.False(File.Exists($"{database}-wal"));
        Assert.Equal(await File.ReadAllBytesAsync(backup), await File.ReadAllBytesAsync(database));

        // Another one on top: nothing is ever replaced without a trace. And a database that is broken is replaced all the more.
        await File.WriteAllTextAsync(database, "broken");
        Assert.Equal($"{database}.replaced-20250301T130000Z", await RestoredFile.PutAsync(backup, database, Noon.AddHours(1)));
    }

    [Fact]
    public async Task What_is_no_backup_is_not_restored()
    {
        var (plain, database) = (_folder.File("plain.db"), _folder.File("other", "ledger.db"));
        await File.WriteAllTextAsync(plain, "text");

        var thrown = await Assert.ThrowsAsync<BackupException>(() => RestoredFile.PutAsync(plain, database, Noon));

        Assert.Contains("has not the mark of a backup", thrown.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(database));
    }

    [Fact]
    public async Task A_quarantined_ledger_is_shown_with_what_is_missing_and_opened_on_a_persons_word()
    {
        var ledger = _app.Services.GetRequiredService<LedgerStore>();
        var (output, errors) = (new StringWriter(), new StringWriter());
        Assert.Equal(0, await ReconcileAsync(accept: null));
        Assert.Equal("The ledger is not quarantined.\n", output.ToString());
        await ledger.Database.WriteAsync(
            transaction => LedgerQuarantines.Begin(transaction, new QuarantineCause { Code = LedgerReason.ReceiptMissing, Receipt = new LedgerReceipt { Sequence = 9, Hash = new string('9', 64) } }),
            CancellationToken.None);

        Assert.Equal(1, await ReconcileAsync(accept: null));
        Assert.Equal(
            """
            The ledger is quarantined since entry 1; 0 messages wait.
              The log does not hold entry 9 as a receipt names it.
              The orchestrator has not reported everything yet.
              The aggregator has not reported everything yet.
              Nobody has told what entry 9 was, which a receipt names.

            """,
            errors.ToString());
        Assert.Equal((2, 0), (await ReconcileAsync(accept: ""), await ReconcileAsync(accept: "a test")));
        Assert.Equal([EntryKind.Quarantine, EntryKind.Reconcile, EntryKind.Release], ledger.Entries(after: 0, limit: 10).Select(entry => entry.Kind));

        Task<int> ReconcileAsync(string? accept) => ReconcileCommand.ExecuteAsync(_http, accept, TimeSpan.Zero, output, errors, CancellationToken.None);
    }

    /// <summary>A way to the service on which something is lost or changed.</summary>
    private sealed class Spoiling(string fault) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            if (!response.Headers.TryGetValues(BackupEndpoints.Sha256Header, out var announced))
            {
                return response;
            }

            var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            switch (fault)
            {
                case "hash":
                    Announce(new string('0', 64));
                    break;
                case "body":
                    bytes = bytes[..^1];
                    break;
                case "header":
                    response.Headers.Remove(BackupEndpoints.Sha256Header);
                    break;
                case "mark":
                    bytes.AsSpan(68, 4).Clear();
                    Announce(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)));
                    break;
            }

            Assert.Single(announced);
            response.Content = new ByteArrayContent(bytes);
            return response;

            void Announce(string sha256)
            {
                response.Headers.Remove(BackupEndpoints.Sha256Header);
                response.Headers.Add(BackupEndpoints.Sha256Header, sha256);
            }
        }
    }
}
