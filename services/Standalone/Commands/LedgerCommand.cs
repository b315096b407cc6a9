using System.CommandLine;
using System.Text.Json;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Privacy;
using Microsoft.Data.Sqlite;
using Spectre.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents ledger</c>: verifies a privacy ledger, and shows what a client's data has spent.</summary>
public static class LedgerCommand
{
    private static readonly Option<string?> Data = new("--data") { Description = "Folder of a run or of a deployment's data, or the file ledger.db." };
    private static readonly Option<Uri?> Url = new("--url") { Description = "Address of the PrivacyAccountant.", CustomParser = ServiceAddress.Parse };
    private static readonly Argument<string> Client = new("client") { Description = "Id of a client." };

    public static Command Create()
    {
        var verify = new Command("verify", "Recomputes every hash and charge of a ledger, and names the first entry that is wrong.") { Data, Url };
        verify.SetAction((options, cancellationToken) => Task.FromResult(Execute(
            options.GetValue(Data), options.GetValue(Url), source => LedgerCheck.Write(source, System.Console.Out, System.Console.Error), System.Console.Error, cancellationToken)));
        var show = new Command("show", "Shows what a client's data was charged, has spent and has left.") { Client, Data, Url };
        show.SetAction((options, cancellationToken) => Task.FromResult(Execute(
            options.GetValue(Data),
            options.GetValue(Url),
            source => ClientLedgerPage.Write(source, options.GetValue(Client)!, AnsiConsole.Console, System.Console.Error),
            System.Console.Error,
            cancellationToken)));
        return new Command("ledger", "Looks at privacy ledgers, and ends their quarantines.") { verify, show, ReconcileCommand.Create() };
    }

    /// <summary>Opens the ledger in a folder or at an address, and looks at it.</summary>
    /// <param name="look">Returns the exit code.</param>
    /// <returns>The exit code; that of bad input where there is no ledger.</returns>
    public static int Execute(string? data, Uri? url, Func<ILedgerSource, int> look, TextWriter errors, CancellationToken cancellationToken)
    {
        if (data is null == url is null)
        {
            errors.WriteLine("Expected either --data with a folder or --url with an address.");
            return ExitCode.BadInput;
        }

        try
        {
            using ILedgerSource source = data is not null ? LedgerFileSource.Open(data) : LedgerUrlSource.Open(url!, cancellationToken);
            return look(source);
        }
        catch (NoLedgerException e)
        {
            errors.WriteLine(e.Message);
            return ExitCode.BadInput;
        }
        catch (Exception e) when (e is SqliteException or HttpRequestException or UnreadableEntryException or JsonException or FormatException)
        {
            errors.WriteLine($"The ledger {data ?? url!.ToString()} can't be read{(e is UnreadableEntryException entry ? $", entry {entry.Sequence}" : "")}: {e.Message}");
            return ExitCode.Failed;
        }
    }
}
