using System.Text;
using Microsoft.Data.Sqlite;

namespace FlEvents.Limits.Tests.Http;

/// <summary>What a service has on its disk: the rows of its tables, but for the audit log, and the names and sizes of its blobs.</summary>
internal sealed class StoredState : IDisposable
{
    private const string Tables = "select name from sqlite_master where type = 'table' and name not in ('audit', 'inbox') and name not like 'sqlite_%'";

    private readonly string _folder;
    private readonly SqliteConnection _database;
    private Dictionary<string, string> _rows = [];
    private long _version = -1;

    /// <param name="folder">A service's data folder.</param>
    public StoredState(string folder)
    {
        _folder = folder;
        _database = new SqliteConnection($"Data Source={Directory.EnumerateFiles(folder, "*.db").Single()};Mode=ReadOnly;Pooling=false");
        _database.Open();
        Changes();
    }

    public void Dispose() => _database.Dispose();

    /// <summary>Names of the tables whose rows are not what they were at the last call; <c>files</c> for blobs. Empty when nothing has changed.</summary>
    public IReadOnlyList<string> Changes()
    {
        var now = new Dictionary<string, string>(_rows) { ["files"] = Files() };

        // It counts others' commits: without one there is nothing to read.
        if (Version() is var version && version != _version)
        {
            _version = version;
            foreach (var table in Read(Tables))
            {
                // When a message went out is not what a request decides.
                now[table] = string.Join('\n', Read(table == "outbox" ? "select seq, type, body from outbox" : $"select * from \"{table}\""));
            }
        }

        var changes = now.Where(table => _rows.GetValueOrDefault(table.Key) != table.Value).Select(table => table.Key).Order(StringComparer.Ordinal).ToList();
        _rows = now;
        return changes;
    }

    /// <summary>Rows of a table at the last call of <see cref="Changes"/>.</summary>
    public int Rows(string table) => _rows[table].Length == 0 ? 0 : _rows[table].Split('\n').Length;

    private string Files() => string.Join('\n', new DirectoryInfo(_folder).EnumerateFiles("*", SearchOption.AllDirectories)
        .Where(file => !file.Name.Contains(".db", StringComparison.Ordinal))
        .Select(file => $"{file.FullName} {file.Length}")
        .Order(StringComparer.Ordinal));

    private long Version()
    {
        using var command = _database.CreateCommand();
        command.CommandText = "pragma data_version";
        return (long)command.ExecuteScalar()!;
    }

    private List<string> Read(string sql)
    {
        using var command = _database.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        var row = new StringBuilder();
        while (reader.Read())
        {
            row.Clear();
            for (var i = 0; i < reader.FieldCount; i++)
            {
                row.Append(i == 0 ? "" : "|").Append(reader.IsDBNull(i) ? "" : $"{reader.GetValue(i)}");
            }

            rows.Add(row.ToString());
        }

        return rows;
    }
}
