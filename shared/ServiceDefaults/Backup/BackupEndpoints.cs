using System.Globalization;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Backup;

/// <summary>Copies of the databases in this process over HTTP. They hold everything that a service knows: for the operator alone.</summary>
public static class BackupEndpoints
{
    public const string Sha256Header = "Backup-Sha256";
    public const string IdHeader = "Backup-Id";
    public const string TakenHeader = "Backup-Taken-At";

    public static void MapBackup(this IEndpointRouteBuilder app)
    {
        var group = app.MapGroup("/backup").WithTags("Backup");
        group.MapGet("/", (IEnumerable<ProcessDatabase> databases) => databases.Select(own => own.Database.Name)).WithSummary("Services in this process whose databases can be copied.").RequireScope(Scopes.LedgerAdmin);
        group.MapGet("/{service}", TakeAsync).WithSummary("A consistent copy of a service's database, taken while it runs.").RequireScope(Scopes.LedgerAdmin).Audited();
    }

    private static async Task<IResult> TakeAsync(string service, HttpResponse response, IEnumerable<ProcessDatabase> databases, Backups backups)
    {
        if (databases.FirstOrDefault(own => own.Database.Name == service)?.Database is not { } database)
        {
            return Problem(StatusCodes.Status404NotFound, $"There is no service \"{service}\" in this process.");
        }

        try
        {
            // On a thread of its own: it reads the whole database.
            if (await Task.Factory.StartNew(() => backups.TryTake(database), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default) is not { } taken)
            {
                return Problem(StatusCodes.Status409Conflict, $"Another backup of {service} is being taken.");
            }

            var (snapshot, file) = taken;
            response.Headers[Sha256Header] = snapshot.Sha256;
            response.Headers[IdHeader] = snapshot.SnapshotId.ToString("D");
            response.Headers[TakenHeader] = snapshot.TakenAt.ToString("O", CultureInfo.InvariantCulture);
            var name = $"{service}-{snapshot.TakenAt.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}.db";
            return Results.Stream(file, "application/vnd.sqlite3", name);
        }
        catch (NoRoomException e)
        {
            return Problem(StatusCodes.Status507InsufficientStorage, e.Message);
        }
        catch (Exception e) when (e is SqliteException or IOException or InvalidDataException)
        {
            return Problem(StatusCodes.Status500InternalServerError, $"The database of {service} can't be copied: {e.Message}");
        }
    }

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);
}
