namespace FlEvents.ServiceDefaults.Tests;

public sealed class SchemaMigrationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("test.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_new_database_gets_every_schema_file_in_order()
    {
        await using var database = TestDatabase.Open(FilePath);

        Assert.Equal(["2"], database.Column("pragma user_version"));
        Assert.Equal(["text", "author"], database.Column("select name from pragma_table_info('note')"));
        Assert.Equal(["inbox", "outbox"], database.Column("select name from sqlite_schema where name in ('inbox', 'outbox') order by name"));
    }

    [Fact]
    public async Task An_older_database_gets_only_what_it_lacks_and_keeps_its_rows()
    {
        TestDatabase.Outside(FilePath, """
            create table note (text text not null) strict;
            insert into note (text) values ('old');
            create table filler (bytes blob not null) strict;
            pragma user_version = 1;
            """);

        await using var database = TestDatabase.Open(FilePath);

        Assert.Equal(["2"], database.Column("pragma user_version"));
        Assert.Equal(["old"], database.Notes());
        Assert.Equal(["text", "author"], database.Column("select name from pragma_table_info('note')"));
    }

    [Fact]
    public async Task A_database_opened_again_is_left_as_it_is()
    {
        await using (var database = TestDatabase.Open(FilePath))
        {
            await database.AddNoteAsync("kept");
        }

        await using var again = TestDatabase.Open(FilePath);

        Assert.Equal(["kept"], again.Notes());
    }

    [Fact]
    public void A_database_of_a_newer_program_is_refused()
    {
        TestDatabase.Outside(FilePath, "create table later (x text) strict; pragma user_version = 3");

        var thrown = Assert.Throws<InvalidOperationException>(() => TestDatabase.Open(FilePath));

        Assert.Equal($"{FilePath} has schema version 3, this program knows 2: start a newer program, or restore a backup.", thrown.Message);
    }

    [Fact]
    public async Task A_schema_file_that_fails_leaves_the_database_as_it_was()
    {
        // 002 cannot add its column a second time.
        TestDatabase.Outside(FilePath, "create table note (text text not null, author text) strict; pragma user_version = 1");

        Assert.ThrowsAny<Exception>(() => TestDatabase.Open(FilePath));

        TestDatabase.Outside(FilePath, "alter table note drop column author; create table filler (bytes blob not null) strict");
        await using var database = TestDatabase.Open(FilePath);
        Assert.Equal(["2"], database.Column("pragma user_version"));
    }
}
