using FlEvents.ServiceDefaults.Storage;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Tests;

/// <summary>A statement is compiled once and run many times: nothing of one use may reach the next.</summary>
public sealed class PreparedStatementTests : IAsyncDisposable
{
    private const string Select = "select text from note where text in @texts order by text";
    private readonly TemporaryFolder _folder = new();
    private readonly Database _database;

    public PreparedStatementTests() => _database = TestDatabase.Open(_folder.File("test.db"));

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_list_may_have_another_length_at_each_use()
    {
        await _database.AddNoteAsync("a");
        await _database.AddNoteAsync("b");
        await _database.AddNoteAsync("c");
        foreach (var texts in new string[][] { ["a"], ["b", "c"], [], ["c"], ["a", "b", "c"], ["a", "c"] })
        {
            Assert.Equal(texts, _database.Read(transaction => transaction.Query<string>(Select, new { texts })));
        }
    }

    [Fact]
    public async Task More_statements_than_are_kept_run_as_well()
    {
        await _database.AddNoteAsync("300");
        foreach (var number in Enumerable.Range(0, 600).Concat(Enumerable.Range(0, 600)))
        {
            Assert.Equal(300 + number, _database.Read(transaction => transaction.Scalar<long>($"select text + {number} from note")));
        }
    }

    [Fact]
    public async Task A_statement_that_failed_runs_again()
    {
        const string Insert = "insert into note (rowid, text) values (@id, @text)";
        Task<int> AddAsync(int id, string text) => _database.WriteAsync(transaction => transaction.Execute(Insert, new { id, text }), CancellationToken.None);
        await AddAsync(1, "a");
        await Assert.ThrowsAsync<SqliteException>(() => AddAsync(1, "b"));
        await AddAsync(2, "c");
        Assert.Equal(["a", "c"], _database.Notes());
    }

    [Fact]
    public async Task A_statement_sees_a_table_that_was_changed_meanwhile()
    {
        await _database.AddNoteAsync("a");
        Assert.Equal(["a"], _database.Notes());
        await _database.WriteAsync(transaction => transaction.Execute("alter table note add column more text"), CancellationToken.None);
        await _database.AddNoteAsync("b");
        Assert.Equal(["a", "b"], _database.Notes());
    }
}
