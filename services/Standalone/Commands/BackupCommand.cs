using System.CommandLine;
using FlEvents.ServiceDefaults.Backup;
using FlEvents.Standalone.Backup;
using FlEvents.Standalone.Console;
using Microsoft.Data.Sqlite;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents backup</c> and <c>flevents restore</c>: copies of the services' databases.</summary>
public static class BackupCommand
{
    private static readonly Option<Uri?> Url = new("--url") { Description = "Address of a service that runs.", CustomParser = ServiceAddress.Parse };
    private static readonly Option<string?> Service = new("--service") { Description = "Name of the service, where several share a process: orchestrator, aggregator, privacy-accountant, client-worker." };
    private static readonly Option<string?> Data = new("--data") { Description = "In place of --url, a database file of a service that is stopped, or a copy made otherwise." };
    private static readonly Option<string> To = new("--to") { Description = "File to make; an existing one is not replaced.", Required = true };
    private static readonly Option<string> From = new("--from") { Description = "File that flevents backup has made.", Required = true };
    private static readonly Option<string> Database = new("--to") { Description = "Database file of a stopped service, such as data/privacy-accountant/ledger.db.", Required = true };

    public static Command Create()
    {
        var command = new Command("backup", "Copies a service's database, while the service runs.") { Url, Service, Data, To };
        command.SetAction((options, cancellationToken) => TryAsync(() => BackUpAsync(
            options.GetValue(Url), options.GetValue(Service), options.GetValue(Data), options.GetValue(To)!, cancellationToken)));
        return command;
    }

    public static Command CreateRestore()
    {
        var command = new Command("restore", "Puts a backup in the place of a stopped service's database.") { From, Database };
        command.SetAction((options, _) => TryAsync(async () =>
        {
            var aside = await RestoredFile.PutAsync(options.GetValue(From)!, options.GetValue(Database)!, TimeProvider.System.GetUtcNow());
            await System.Console.Out.WriteLineAsync($"Restored  {options.GetValue(Database)}");
            if (aside is not null)
            {
                await System.Console.Out.WriteLineAsync($"Replaced  {aside}");
            }
        }));
        return command;
    }

    private static async Task BackUpAsync(Uri? url, string? service, string? data, string to, CancellationToken cancellationToken)
    {
        if (data is null == url is null)
        {
            throw new BackupException("Expected either --url with the address of a service or --data with a database file.");
        }

        if (File.Exists(to))
        {
            throw new BackupException($"{to} exists: expected the name of a new file.");
        }

        var snapshot = url is not null ? await FetchAsync(url, service, to, cancellationToken) : await CopyAsync(data!, to);
        await System.Console.Out.WriteLineAsync($"Backup    {to}, {HumanUnits.Bytes(snapshot.SizeBytes)}");
        await System.Console.Out.WriteLineAsync($"Id        {snapshot.SnapshotId}");
        await System.Console.Out.WriteLineAsync($"SHA-256   {snapshot.Sha256}");
    }

    private static async Task<Snapshot> FetchAsync(Uri url, string? service, string to, CancellationToken cancellationToken)
    {
        // A large database is copied in full before its first byte comes.
        using var http = ServiceCalls.To(url, Timeout.InfiniteTimeSpan);
        return await BackupDownload.FetchAsync(http, service, to, cancellationToken);
    }

    private static async Task<Snapshot> CopyAsync(string data, string to)
    {
        if (!File.Exists(data))
        {
            throw new BackupException($"There is no file {data}: expected a service's database, such as data/privacy-accountant/ledger.db.");
        }

        Snapshot? taken = null;
        await NewFile.WriteAsync(to, part =>
        {
            taken = Snapshot.Take(data, part, TimeProvider.System.GetUtcNow());
            return Task.CompletedTask;
        });
        return taken!;
    }

    private static async Task<int> TryAsync(Func<Task> work)
    {
        try
        {
            await work();
            return ExitCode.Done;
        }
        catch (BackupException e)
        {
            await System.Console.Error.WriteLineAsync(e.Message);
            return ExitCode.BadInput;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SqliteException or InvalidDataException or UnauthorizedAccessException)
        {
            await System.Console.Error.WriteLineAsync(e.Message);
            return ExitCode.Failed;
        }
    }
}
