using System.CommandLine;
using System.Text.Json;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Replay;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents events</c>: takes the event log and the models of a run from a deployment into a folder, for <c>flevents replay</c>.</summary>
public static class EventsCommand
{
    private static readonly Argument<Guid> Run = new("run") { Description = "Id of a run that is over." };
    private static readonly Option<string> To = new("--to") { Description = "Folder for events.jsonl, run.json and models.", Required = true };

    private static readonly Option<Uri> Url = ServiceAddress.Option("Address of the Orchestrator.");

    private static readonly Option<Uri> Models = ServiceAddress.Option("Address of the Aggregator, which has the models.", 5081, "--models");

    public static Command Create()
    {
        var command = new Command("events", "Takes a run's event log and models from a deployment into a folder, to be replayed there.") { Run, To, Url, Models };
        command.SetAction((options, cancellationToken) => ExecuteAsync(
            options.GetValue(Run), options.GetValue(To)!, options.GetValue(Url)!, options.GetValue(Models)!, System.Console.Out, System.Console.Error, cancellationToken));
        return command;
    }

    /// <returns>The exit code.</returns>
    public static async Task<int> ExecuteAsync(Guid runId, string folder, Uri url, Uri models, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        try
        {
            using var deployment = new EventsDownload(url, models);
            await output.WriteLineAsync(await deployment.ToAsync(runId, folder, cancellationToken));
            return ExitCode.Done;
        }
        catch (NoEventLogException e)
        {
            await errors.WriteLineAsync(e.Message);
            return ExitCode.BadInput;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or BlobException or IOException or UnauthorizedAccessException)
        {
            await errors.WriteLineAsync($"The log of run {runId} could not be taken from {url}: {e.Message}");
            return ExitCode.Failed;
        }
    }
}
