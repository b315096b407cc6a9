using System.CommandLine;
using System.Text.Json;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Privacy;
using Microsoft.Data.Sqlite;
using Spectre.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents client</c>: shows the owner of data, from the worker's own books, what was asked of it, done with it and spent.</summary>
public static class ClientCommand
{
    private static readonly Argument<string?> Client = new("client") { Description = "Id of one client; all of the worker's without it.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string> Data = new("--data") { Description = "Folder of a worker's data or of a run, or the file client-worker.db.", Required = true };
    private static readonly Option<double> Delta = new("--delta") { Description = "δ at which ε is shown.", DefaultValueFactory = _ => BudgetTerms.Assumed.ShownDelta };
    private static readonly Option<bool> Json = new("--json") { Description = "Prints one JSON object." };

    public static Command Create()
    {
        var command = new Command("client", "Shows what a worker was asked, did and spent for its clients, by its own books.") { Client, Data, Delta, Json };
        command.SetAction((options, _) => Task.FromResult(Execute(
            options.GetValue(Data)!, options.GetValue(Client), options.GetValue(Delta), options.GetValue(Json), AnsiConsole.Console, System.Console.Out, System.Console.Error)));
        return command;
    }

    /// <summary>Shows a worker's books.</summary>
    /// <param name="console">Where they go as a page.</param>
    /// <param name="output">Where they go as JSON.</param>
    /// <returns>The exit code.</returns>
    public static int Execute(string data, string? clientId, double delta, bool asJson, IAnsiConsole console, TextWriter output, TextWriter errors)
    {
        if (!(delta is > 0 and < 1))
        {
            errors.WriteLine(FormattableString.Invariant($"--delta is {delta}: expected a number in (0, 1)."));
            return ExitCode.BadInput;
        }

        OwnerRecord record;
        try
        {
            record = OwnerRecordFile.Read(data, clientId, delta);
        }
        catch (NoOwnerRecordException e)
        {
            errors.WriteLine(e.Message);
            return ExitCode.BadInput;
        }
        catch (Exception e) when (e is SqliteException or FormatException or ArgumentException or InvalidCastException)
        {
            errors.WriteLine($"The worker's database {data} can't be read: {e.Message}");
            return ExitCode.Failed;
        }

        if (asJson)
        {
            output.WriteLine(JsonSerializer.Serialize(record, OwnerRecord.Json));
        }
        else if (record.Clients.Count == 0)
        {
            console.WriteLine(clientId is null ? "Nothing was asked of this worker." : $"Nothing was asked of client {clientId}.");
        }
        else
        {
            OwnerRecordPage.Write(record, delta, console);
        }

        return ExitCode.Done;
    }
}
