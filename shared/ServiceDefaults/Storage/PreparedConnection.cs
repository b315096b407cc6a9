using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Dapper;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>
/// A connection that keeps the statements it has compiled, by their text: the same few are run again and again, and compiling one takes longer
/// than running it. For one thread at a time.
/// </summary>
internal sealed class PreparedConnection(string connectionString) : SqliteConnection(connectionString)
{
    // A text with a list is another text for each length of it: what is met beyond this number is compiled at every use.
    private const int MostKept = 256;
    private readonly Dictionary<string, SqliteCommand> _idle = [];

    /// <summary>Begins a transaction; that of the provider would be compiled anew each time.</summary>
    /// <param name="forWriting">Takes the writer's lock at once; else reads as of the first statement.</param>
    public void Begin(bool forWriting) => this.Execute(forWriting ? "begin immediate" : "begin deferred");

    /// <summary>Writes a page, and changes nothing.</summary>
    public void Touch() => this.Execute($"pragma user_version = {this.ExecuteScalar<long>("pragma user_version").ToString(CultureInfo.InvariantCulture)}");

    public void Commit() => this.Execute("commit transaction");

    /// <summary>Rolls back unless the transaction was committed, or SQLite has rolled it back itself after a fault.</summary>
    public void RollbackIfOpen()
    {
        if (SQLitePCL.raw.sqlite3_get_autocommit(Handle) == 0)
        {
            this.Execute("rollback transaction");
        }
    }

    protected override DbCommand CreateDbCommand() => new PreparedCommand(this);

    private SqliteCommand Take(string text)
    {
        if (!_idle.Remove(text, out var command))
        {
            command = base.CreateCommand();
            command.CommandText = text;
        }

        return command;
    }

    private void Return(SqliteCommand command)
    {
        command.Parameters.Clear();
        command.Transaction = null;
        if (_idle.Count >= MostKept || !_idle.TryAdd(command.CommandText, command))
        {
            command.Dispose();
        }
    }

    /// <summary>One use of a kept statement.</summary>
    private sealed class PreparedCommand(PreparedConnection connection) : DbCommand
    {
        private SqliteCommand _command = connection.Take("");
        private bool _isReturned;

        [AllowNull]
        public override string CommandText
        {
            get => _command.CommandText;
            set
            {
                // The text may be set anew once the parameters are there: a list in it is spelled out then.
                var (before, after) = (_command, connection.Take(value ?? ""));
                var parameters = before.Parameters.Cast<SqliteParameter>().ToArray();
                before.Parameters.Clear();
                after.Parameters.AddRange(parameters);
                after.Transaction = before.Transaction;
                connection.Return(before);
                _command = after;
            }
        }

        public override int CommandTimeout
        {
            get => _command.CommandTimeout;
            set => _command.CommandTimeout = value;
        }

        public override CommandType CommandType
        {
            get => _command.CommandType;
            set => _command.CommandType = value;
        }

        public override bool DesignTimeVisible
        {
            get => _command.DesignTimeVisible;
            set => _command.DesignTimeVisible = value;
        }

        public override UpdateRowSource UpdatedRowSource
        {
            get => _command.UpdatedRowSource;
            set => _command.UpdatedRowSource = value;
        }

        protected override DbConnection? DbConnection
        {
            get => connection;
            set => throw new NotSupportedException("A statement stays with its connection.");
        }

        protected override DbParameterCollection DbParameterCollection => _command.Parameters;

        protected override DbTransaction? DbTransaction
        {
            get => _command.Transaction;
            set => _command.Transaction = (SqliteTransaction?)value;
        }

        public override void Cancel() => _command.Cancel();

        public override int ExecuteNonQuery() => _command.ExecuteNonQuery();

        public override object? ExecuteScalar() => _command.ExecuteScalar();

        public override void Prepare() => _command.Prepare();

        protected override DbParameter CreateDbParameter() => _command.CreateParameter();

        protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) => _command.ExecuteReader(behavior);

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_isReturned)
            {
                _isReturned = true;
                connection.Return(_command);
            }

            base.Dispose(disposing);
        }
    }
}
