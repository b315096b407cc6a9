using System.Reflection;
using Dapper;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>Brings a database to the program's schema: the numbered files of the service's assembly, in order, in one transaction.</summary>
public static class SchemaMigration
{
    // The tables of messages have no numbered files: they are made where they are missing, and this column where it is.
    private const string HasTraceParent = "select exists (select 1 from pragma_table_info('outbox') where name = 'trace_parent')";
    private const string AddTraceParent = "alter table outbox add column trace_parent text";

    /// <exception cref="InvalidOperationException">The database was written by a newer program.</exception>
    public static void Apply(SqliteConnection connection, Assembly service)
    {
        var files = service.GetManifestResourceNames().Where(name => name.StartsWith("Schema.", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        using var transaction = connection.BeginTransaction();
        var version = connection.ExecuteScalar<int>("pragma user_version", transaction: transaction);
        if (version > files.Count)
        {
            throw new InvalidOperationException(
                $"{connection.DataSource} has schema version {version}, this program knows {files.Count}: start a newer program, or restore a backup.");
        }

        connection.Execute(ReadResource(typeof(SchemaMigration).Assembly, "Messaging.sql"), transaction: transaction);
        if (!connection.ExecuteScalar<bool>(HasTraceParent, transaction: transaction))
        {
            connection.Execute(AddTraceParent, transaction: transaction);
        }

        connection.Execute(ReadResource(typeof(SchemaMigration).Assembly, "Restoration.sql"), transaction: transaction);
        connection.Execute(ReadResource(typeof(SchemaMigration).Assembly, "Audit.sql"), transaction: transaction);
        foreach (var file in files.Skip(version))
        {
            connection.Execute(ReadResource(service, file), transaction: transaction);
        }

        connection.Execute($"pragma user_version = {files.Count}", transaction: transaction);
        transaction.Commit();
    }

    internal static string ReadResource(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
