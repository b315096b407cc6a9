using System.Net;
using FlEvents.Contracts;
using Microsoft.Data.Sqlite;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>A ledger that can't commit: it charges nothing, says that it is not ready, and goes on by itself.</summary>
[Collection("host")]
public sealed class BrokenLedgerTests : IAsyncLifetime
{
    private readonly LedgerFile _file = new();
    private AccountantHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await AccountantHost.StartAsync(_file.Folder);

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _file.DisposeAsync();
    }

    // SQLITE_BUSY. The lock is held for longer than the five seconds that a commit waits for it.
    [Fact]
    public async Task While_another_holds_the_databases_lock_nothing_is_charged_and_then_it_is_charged_once()
    {
        await using (var other = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _file.Path, Pooling = false }.ToString()))
        {
            await other.OpenAsync();
            await using var held = await other.BeginTransactionAsync(System.Data.IsolationLevel.Serializable);
            await _host.SendAsync(Messages.Reserve("anna@north"));
            await NotReadyAsync("locked");
            Assert.Equal(LedgerChain.Empty, _host.Ledger.Head());
        }

        await ChargedOnceAsync(clients: 1);
    }

    // SQLITE_FULL.
    [Fact]
    public async Task While_the_database_may_not_grow_nothing_is_charged_and_then_it_is_charged_once()
    {
        await _host.Ledger.Database.WriteAsync(
            transaction =>
            {
                transaction.Execute("create table filler (bytes blob)");
                transaction.Execute("insert into filler (bytes) values (zeroblob(1000000))");
            },
            CancellationToken.None);
        await _host.Ledger.Database.WriteAsync(transaction => transaction.Execute("pragma max_page_count = 1"), CancellationToken.None);
        await _host.SendAsync(Messages.Reserve(Enumerable.Range(0, 64).Select(i => $"c{i}@o{i}")));
        await NotReadyAsync("full");
        Assert.Equal(LedgerChain.Empty, _host.Ledger.Head());

        // What is given back is the room there is.
        _file.Tamper("delete from filler");
        await ChargedOnceAsync(clients: 64);
    }

    private async Task NotReadyAsync(string fault)
    {
        using var hung = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (_host.Ledger.Database.Fault?.Contains(fault, StringComparison.Ordinal) != true)
        {
            await Task.Delay(10, hung.Token);
        }

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (await StatusAsync("health"), await StatusAsync("alive")));
        Assert.False(_host.HasMore<BudgetReserved>());
    }

    private async Task ChargedOnceAsync(int clients)
    {
        Assert.Equal(clients, (await _host.NextAsync<BudgetReserved>()).ClientIds.Count);
        Assert.Equal(2 * clients, _host.Ledger.Head().Sequence);
        Assert.Equal((HttpStatusCode.OK, null), (await StatusAsync("health"), _host.Ledger.Database.Fault));
        Assert.False(_host.HasMore<BudgetReserved>());
        Assert.Null(LedgerVerification.FirstFault(_host.Ledger.Entries(after: 0, limit: 1000)));
    }

    private async Task<HttpStatusCode> StatusAsync(string path)
    {
        using var response = await _host.Http.GetAsync(path);
        return response.StatusCode;
    }
}
