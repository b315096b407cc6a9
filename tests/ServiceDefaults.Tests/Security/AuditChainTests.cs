using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Security;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Tests.Security;

public sealed class AuditChainTests : IDisposable
{
    private static readonly Func<AuditRow, AuditRow>[] Changes =
    [
        row => row with { Step = "refused" },
        row => row with { At = "2025-03-01T12:00:00.0000001Z" },
        row => row with { Answers = 1 },
        row => row with { Who = "ade" },
        row => row with { Who = null },
        row => row with { Method = "PUT" },
        row => row with { Route = "/a" },
        row => row with { Path = "/a" },
        row => row with { Scope = "runs:read" },
        row => row with { Remote = "10.0.0.2" },
        row => row with { BodySha256 = new string('b', 64) },
        row => row with { Status = 500 },
        row => row with { Hash = new string('0', 64) },
        row => row with { PreviousHash = "not a hash" },
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_chain_as_it_was_written_verifies() => Assert.Equal((0, null), FirstFault(Rows(5)));

    [Fact]
    public void A_row_of_which_anything_was_changed_is_found()
    {
        Assert.All(Changes, change =>
        {
            var rows = Rows(5);
            rows[2] = change(rows[2]);
            Assert.Equal(3, FirstFault(rows).Place);
        });
    }

    [Fact]
    public void A_row_that_was_changed_with_its_hash_is_found_by_the_next()
    {
        var rows = Rows(5);
        rows[2] = AuditChain.Append(new ChainHead(2, rows[1].Hash), rows[2] with { Who = "ade" });
        Assert.Equal((4, $"previous hash {rows[3].PreviousHash} is not {rows[2].Hash}, the hash of the one before"), FirstFault(rows));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(3)]
    public void A_row_that_is_missing_is_found(int missing)
    {
        var rows = Rows(5);
        rows.RemoveAt(missing);
        Assert.Equal((missing + 1, $"sequence {missing + 2} follows {missing}"), FirstFault(rows));
    }

    [Fact]
    public void Rows_in_another_order_are_found()
    {
        var rows = Rows(5);
        (rows[1], rows[2]) = (rows[2], rows[1]);
        Assert.Equal(2, FirstFault(rows).Place);

        // With each other's numbers as well.
        (rows[1], rows[2]) = (rows[1] with { Sequence = 2 }, rows[2] with { Sequence = 3 });
        Assert.Equal(2, FirstFault(rows).Place);
    }

    [Theory]
    [InlineData("update audit set who = 'ade' where sequence = 2", "audit is append-only")]
    [InlineData("delete from audit where sequence = 3", "audit is append-only")]
    [InlineData("delete from audit", "audit is append-only")]
    [InlineData("insert into audit (sequence, step, at, previous_hash, hash) values (9, 'asked', '', '', '')", "a row continues the chain at its head")]
    [InlineData("insert or replace into audit (sequence, step, at, previous_hash, hash) values (2, 'asked', '', '', '')", "a row continues the chain at its head")]
    [InlineData("insert into audit (sequence, step, at, previous_hash, hash) values (4, 'asked', '', '', '')", "a row continues the chain at its head")]
    public async Task The_database_refuses_to_change_or_delete_a_row_or_to_put_one_elsewhere(string sql, string expected)
    {
        await using var database = TestDatabase.Open(_folder.File("audit.db"));
        foreach (var row in Rows(3))
        {
            await database.WriteAsync(transaction => AuditStore.Append(transaction, row), CancellationToken.None);
        }

        var before = Page(database);
        var refusal = await Assert.ThrowsAsync<SqliteException>(() => database.WriteAsync(transaction => transaction.Execute(sql), CancellationToken.None));
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, Page(database));
        Assert.Equal((0, null), FirstFault(before));
    }

    [Fact]
    public async Task A_database_from_before_there_was_a_log_gets_one()
    {
        await TestDatabase.Open(_folder.File("audit.db")).DisposeAsync();
        TestDatabase.Outside(_folder.File("audit.db"), "drop table audit");
        await using var database = TestDatabase.Open(_folder.File("audit.db"));
        Assert.Empty(Page(database));
        Assert.Equal(HashChain.Empty, database.Read(AuditStore.Head));
    }

    private static IReadOnlyList<AuditRow> Page(Database database) => database.Read(transaction => AuditStore.Page(transaction, 0, 100));

    private static List<AuditRow> Rows(int count)
    {
        var rows = new List<AuditRow>();
        while (rows.Count < count)
        {
            var head = rows.Count == 0 ? HashChain.Empty : new ChainHead(rows[^1].Sequence, rows[^1].Hash);
            rows.Add(AuditChain.Append(head, new AuditRow
            {
                Sequence = 0,
                Step = AuditStep.Asked,
                At = "2025-03-01T12:00:00.0000000Z",
                Who = "ada",
                Method = "POST",
                Route = "/runs/",
                Path = "/runs/",
                Scope = "runs:write",
                Remote = "10.0.0.1",
                BodySha256 = new string('a', 64),
                PreviousHash = "",
                Hash = "",
            }));
        }

        return rows;
    }

    /// <returns>The place of the first row that is wrong, from 1, and why; 0 for none.</returns>
    private static (int Place, string? Fault) FirstFault(IReadOnlyList<AuditRow> rows)
    {
        var head = HashChain.Empty;
        for (var i = 0; i < rows.Count; i++)
        {
            if (AuditChain.FaultOf(head, rows[i]) is { } fault)
            {
                return (i + 1, fault);
            }

            head = new ChainHead(rows[i].Sequence, rows[i].Hash);
        }

        return (0, null);
    }
}
