using FlEvents.Contracts;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Data.Sqlite;

namespace FlEvents.PrivacyAccountant.Tests;

public sealed class LedgerStoreTests : IAsyncDisposable
{
    private readonly LedgerFile _file = new();

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    [Fact]
    public async Task Entries_come_back_as_they_were_decided()
    {
        var decided = new List<LedgerEntry>();
        foreach (var message in new object[] { Messages.Reserve("anna@north", "ben@south"), Messages.Refund("anna"), Messages.Commit() })
        {
            decided.AddRange((await _file.ApplyAsync(message)).Entries);
        }

        Assert.Equal(decided, _file.Store.Entries(after: 0, limit: 100));
        Assert.Equal(decided.Skip(2).Take(3), _file.Store.Entries(after: 2, limit: 3));
        Assert.Equal(new LedgerReceipt { Sequence = 8, Hash = decided[^1].Hash }, _file.Store.Head());
    }

    [Fact]
    public void An_empty_ledger_has_the_empty_head()
    {
        Assert.Equal(LedgerChain.Empty, _file.Store.Head());
        Assert.Empty(_file.Store.Entries(after: 0, limit: 10));
        Assert.Empty(_file.Store.LedgersOf("anna"));
    }

    [Fact]
    public async Task Whatever_is_delivered_with_restarts_in_between_the_file_holds_what_the_protocol_says()
    {
        // Twenty-five files with a restart after every tenth message; unsynced, because nobody cuts the power here.
        var deliveries = new List<object[]>();
        Prop.ForAll(Deliveries.Any.ToArbitrary(), messages => deliveries.Add(messages)).Check(Config.QuickThrowOnFailure.WithReplay(7, 1).WithMaxTest(25));
        foreach (var messages in deliveries)
        {
            await using var file = new LedgerFile(synced: false);
            var world = new LedgerWorld();
            for (var i = 0; i < messages.Length; i++)
            {
                if (i % 10 == 9)
                {
                    await file.CloseAsync();
                }

                Assert.Equivalent(world.Apply(messages[i]), (await file.ApplyAsync(messages[i])).Messages, strict: true);
            }

            Assert.Equal(world.Head, file.Store.Head());
            Assert.Equal(world.Entries, file.Store.Entries(after: 0, limit: int.MaxValue));
            Assert.Null(LedgerVerification.FirstFault(file.Store.Entries(after: 0, limit: int.MaxValue), file.Store.Receipts()));
            Assert.All(world.Reservations.GroupBy(r => r.ClientId), client => AssertShown(world, client, file.Store.LedgersOf(client.Key)));
        }
    }

    [Fact]
    public async Task Replaying_everything_after_a_restart_leaves_the_head()
    {
        object[] messages = [Messages.Reserve("anna@north", "ben@south"), Messages.Refund("anna"), Messages.Commit(), Messages.Reserve(Messages.RunA, 2, 1, "anna@north")];
        foreach (var message in messages)
        {
            await _file.ApplyAsync(message);
        }

        var head = _file.Store.Head();
        await _file.CloseAsync();
        foreach (var message in messages.Reverse())
        {
            await _file.ApplyAsync(message);
        }

        Assert.Equal(head, _file.Store.Head());
    }

    [Fact]
    public async Task A_commit_after_a_restart_repeats_the_first_receipt()
    {
        await _file.ApplyAsync(Messages.Reserve("anna@north"));
        var first = (await _file.ApplyAsync(Messages.Commit())).Messages;
        await _file.ApplyAsync(Messages.Reserve(Messages.RunB, 1, 1, "ben@south"));
        await _file.CloseAsync();

        Assert.Equivalent(first, (await _file.ApplyAsync(Messages.Commit())).Messages, strict: true);
    }

    [Theory]
    [InlineData("update ledger_entry set charge = '0' where sequence = 1", "append-only")]
    [InlineData("delete from ledger_entry where sequence = 4", "append-only")]
    [InlineData("insert or replace into ledger_entry select * from ledger_entry where sequence = 2", "continues the chain")]
    [InlineData("""
        insert into ledger_entry (sequence, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, at, previous_hash, hash)
        select 9, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, at, hash, hash from ledger_entry where sequence = 4
        """, "continues the chain")]
    [InlineData("""
        insert into ledger_entry (sequence, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, at, previous_hash, hash)
        select 7, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, at, previous_hash, hash from ledger_entry where sequence = 4
        """, "continues the chain")]
    [InlineData("update reservation set state = 'refunded' where client_id = 'anna'", "changes once")]
    [InlineData("update reservation set state = 'reserved' where client_id = 'anna'", "changes once")]
    [InlineData("update reservation set state = 'committed', charge = '0' where client_id = 'cem'", "changes once")]
    [InlineData("delete from reservation", "never deleted")]
    [InlineData("update committed_round set sequence = 1", "a receipt is final")]
    [InlineData("delete from committed_round", "a receipt is final")]
    [InlineData("""
        insert into reservation (reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, state)
        select 'another', unit, ledger_id, run_id, round, 'dora', attempt, event, charge, state from reservation where client_id = 'cem'
        """, "UNIQUE constraint failed")]
    public async Task The_database_itself_refuses_to_rewrite_history(string sql, string expected)
    {
        await _file.ApplyAsync(Messages.Reserve("anna@north"));
        await _file.ApplyAsync(Messages.Commit());
        await _file.ApplyAsync(Messages.Reserve(Messages.RunA, 2, 1, "cem@east"));

        var thrown = await Assert.ThrowsAsync<SqliteException>(() => _file.Database.WriteAsync(transaction => transaction.Execute(sql), CancellationToken.None));

        Assert.Contains(expected, thrown.Message, StringComparison.Ordinal);
        Assert.Null(LedgerVerification.FirstFault(_file.Store.Entries(after: 0, limit: 100), _file.Store.Receipts()));
    }

    [Theory]
    [InlineData("sequence", "30")]
    [InlineData("kind", "'refund'")]
    [InlineData("reservation_id", "'00000000-0000-0000-0000-000000000000'")]
    [InlineData("ledger_id", "(select ledger_id from ledger where owner = 'south')")]
    [InlineData("unit", "'client'")]
    [InlineData("run_id", "'0195a3c4-0000-7000-8000-00000000000b'")]
    [InlineData("round", "2")]
    [InlineData("client_id", "'ben'")]
    [InlineData("attempt", "2")]
    [InlineData("event", "event || ' '")]
    [InlineData("charge", "'0'")]
    [InlineData("alpha", "8.5")]
    [InlineData("measure", "'zcdp'")]
    [InlineData("accountant", "'another/1'")]
    [InlineData("reason", "'NOT_DISPATCHED'")]
    [InlineData("at", "'2025-03-01T12:00:00.0000001Z'")]
    [InlineData("previous_hash", "replace(previous_hash, substr(previous_hash, 1, 1), 'x')")]
    [InlineData("hash", "upper(hash)")]
    public async Task A_changed_column_is_found_and_its_entry_named(string column, string value)
    {
        await _file.ApplyAsync(Messages.Reserve("anna@north", "ben@south"));
        await _file.ApplyAsync(Messages.Commit());
        await _file.CloseAsync();
        _file.Tamper($"drop trigger ledger_entry_is_not_changed; update ledger_entry set {column} = {value} where sequence = 5");

        Assert.Equal(5, LedgerVerification.FirstFault(_file.Store.Entries(after: 0, limit: 100))?.Sequence);
    }

    [Fact]
    public async Task Every_column_of_the_log_is_tampered_with_in_these_tests()
    {
        var tampered = typeof(LedgerStoreTests).GetMethod(nameof(A_changed_column_is_found_and_its_entry_named))!
            .GetCustomAttributes(typeof(InlineDataAttribute), inherit: false).Cast<InlineDataAttribute>().Select(data => (string)data.Data[0]!);

        var columns = await _file.Database.WriteAsync(transaction => transaction.Query<string>("select name from pragma_table_info('ledger_entry')"), CancellationToken.None);

        Assert.Equal(columns.Order(), tampered.Order());
    }

    [Fact]
    public async Task A_log_that_lost_its_end_is_found_by_the_receipts_given_out()
    {
        await _file.ApplyAsync(Messages.Reserve("anna@north"));
        await _file.ApplyAsync(Messages.Commit());
        await _file.CloseAsync();
        _file.Tamper("drop trigger ledger_entry_is_kept; delete from ledger_entry where sequence > 2");

        Assert.Equal(3, LedgerVerification.FirstFault(_file.Store.Entries(after: 0, limit: 100), _file.Store.Receipts())?.Sequence);
    }

    [Fact]
    public async Task A_client_is_shown_its_ledgers_with_what_everyone_spent_of_them()
    {
        await _file.ApplyAsync(Messages.Reserve("anna@north", "ben@south"));
        await _file.ApplyAsync(Messages.Commit());
        await _file.ApplyAsync(Messages.Reserve(Messages.RunB, 1, 1, "ben@north"));
        await _file.ApplyAsync(Messages.Reserve(Messages.RunB, 2, 1, "anna@north", "dora@east"));
        await _file.ApplyAsync(Messages.Refund(Messages.RunB, 2, "dora", 1));

        var ledger = Assert.Single(_file.Store.LedgersOf("anna"));
        Assert.Equal((LedgerId.Of(Messages.LedgerOf("north")), Messages.LedgerOf("north")), (ledger.LedgerId, ledger.Ledger));
        Assert.Equal(
            [
                new UnitView { Unit = PrivacyUnit.Example, Entries = 4, Reserved = 2, Committed = 1, Refunded = 0, Unbounded = 3, Spent = "unbounded", SpentUnits = 0, Alpha = null, Measure = null, Budget = null },
                new UnitView { Unit = PrivacyUnit.Client, Entries = 4, Reserved = 2, Committed = 1, Refunded = 0, Unbounded = 3, Spent = "unbounded", SpentUnits = 0, Alpha = null, Measure = null, Budget = null },
            ],
            ledger.Units);
        Assert.Equal(["north", "south"], _file.Store.LedgersOf("ben").Select(view => view.Ledger.Owner));
        Assert.All(
            Assert.Single(_file.Store.LedgersOf("dora")).Units,
            unit => Assert.Equal(new UnitView { Unit = unit.Unit, Entries = 2, Reserved = 0, Committed = 0, Refunded = 1, Unbounded = 0, Spent = "0", SpentUnits = 0, Alpha = null, Measure = null, Budget = null }, unit));
    }

    [Theory]
    [InlineData("Zürich \"Süd\" \\ 🏥")]
    [InlineData("'; drop table ledger; --")]
    [InlineData("{\"owner\":1}\n")]
    public async Task An_owner_may_have_any_name(string owner)
    {
        await _file.ApplyAsync(Messages.Reserve($"anna@{owner}"));

        var ledger = Assert.Single(_file.Store.LedgersOf("anna"));
        Assert.Equal((Messages.LedgerOf(owner), LedgerId.Of(Messages.LedgerOf(owner))), (ledger.Ledger, ledger.LedgerId));
    }

    [Fact]
    public async Task A_full_page_is_one_transaction()
    {
        var page = Messages.Reserve(Enumerable.Range(0, 256).Select(i => $"c{i}@o{i}"));

        var reserved = await _file.ApplyAsync(page);
        var committed = await _file.ApplyAsync(Messages.Commit());

        Assert.Equal((512, 512), (reserved.Entries.Count, committed.Entries.Count));
        Assert.Equal(1024, _file.Store.Head().Sequence);
        Assert.Equal(256, Assert.IsType<BudgetCommitted>(Assert.Single(committed.Messages)).Committed);
    }

    private static void AssertShown(LedgerWorld world, IEnumerable<Reservation> ofClient, IReadOnlyList<LedgerView> shown)
    {
        Assert.Equal(ofClient.Select(r => r.LedgerId).Distinct().Order(), shown.Select(ledger => ledger.LedgerId).Order());
        Assert.All(shown, ledger => Assert.All(ledger.Units, unit =>
        {
            var entries = world.Entries.Count(entry => (entry.LedgerId, entry.Unit) == (ledger.LedgerId, unit.Unit));
            var states = world.Reservations.Where(r => (r.LedgerId, r.Unit) == (ledger.LedgerId, unit.Unit)).ToLookup(r => r.State);
            Assert.Equal(
                (entries, states[ReservationState.Reserved].Count(), states[ReservationState.Committed].Count(), states[ReservationState.Refunded].Count()),
                (unit.Entries, unit.Reserved, unit.Committed, unit.Refunded));
            Assert.Equal(unit.Reserved + unit.Committed > 0 ? "unbounded" : "0", unit.Spent);
        }));
    }
}
