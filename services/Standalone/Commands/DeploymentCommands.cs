using System.CommandLine;
using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.Learning;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.RunFiles;
using Spectre.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents submit</c>, <c>flevents status</c> and <c>flevents watch</c>: a running deployment over its API.</summary>
public static class DeploymentCommands
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private static readonly Option<Uri> Url = ServiceAddress.Option("Address of the Orchestrator.");

    private static readonly Argument<Guid?> RunId = new("run") { Description = "Id of a run; the newest where absent.", Arity = ArgumentArity.ZeroOrOne };

    private static readonly Argument<string> File = new("file") { Description = "Run file (JSON); its run part is submitted." };
    private static readonly Option<string[]> Set = new("--set") { Description = "key=value: replaces a value of the run file." };
    private static readonly Option<string?> Key = new("--key") { Description = "Names the request: submitted again under the same key, it creates nothing and shows the same run." };

    public static Command CreateSubmit()
    {
        var command = new Command("submit", "Creates a run at a deployment, and prints its id.") { File, Set, Key, Url };
        command.SetAction((options, cancellationToken) =>
        {
            var reading = RunFileReader.Load(options.GetValue(File)!, options.GetValue(Set) ?? []);
            return reading.Spec is { } file
                ? AskAsync(options, http => SubmitAsync(http, file.Run, options.GetValue(Key) ?? Guid.NewGuid().ToString(), cancellationToken))
                : Task.FromResult(ErrorList.Write(System.Console.Error, reading.Errors));
        });
        return command;
    }

    public static Command CreateStatus()
    {
        var command = new Command("status", "Lists the runs and clients of a deployment.") { Url };
        command.SetAction((options, cancellationToken) => AskAsync(options, async http =>
        {
            var runs = await http.GetFromJsonAsync<List<RunView>>("runs", Json, cancellationToken);
            var clients = await http.GetFromJsonAsync<List<ClientView>>("clients", Json, cancellationToken);
            StatusView.Write(AnsiConsole.Console, runs!, clients!);
            return ExitCode.Done;
        }));
        return command;
    }

    public static Command CreateWatch()
    {
        var command = new Command("watch", "Shows the progress of a deployment's run until it ends.") { RunId, Url };
        command.SetAction((options, cancellationToken) => AskAsync(options, async http =>
        {
            if ((options.GetValue(RunId) ?? (await http.GetFromJsonAsync<List<RunView>>("runs?limit=1", Json, cancellationToken))!.FirstOrDefault()?.RunId) is not { } runId)
            {
                await System.Console.Error.WriteLineAsync("The deployment has no run yet.");
                return ExitCode.BadInput;
            }

            var run = await LiveProgress.ShowAsync(AnsiConsole.Console, EventsAsync(http, runId, cancellationToken), cancellationToken);
            return run is null ? ExitCode.Failed : ExitCode.Of(run.State);
        }));
        return command;
    }

    private static async Task<int> SubmitAsync(HttpClient http, RunSpec run, string key, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "runs") { Content = JsonContent.Create(run, options: SpecKeys.Json), Headers = { { "Idempotency-Key", key } } };
        using var response = await http.SendAsync(request, cancellationToken);
        if (response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.Conflict)
        {
            var problem = (await response.Content.ReadFromJsonAsync<HttpValidationProblemDetails>(Json, cancellationToken))!;
            return ErrorList.Write(System.Console.Error, problem.Errors.Count == 0
                ? [new SpecError("run", problem.Detail ?? problem.Title ?? "refused")]
                : [.. problem.Errors.SelectMany(errors => errors.Value, (errors, message) => new SpecError(errors.Key, message))]);
        }

        response.EnsureSuccessStatusCode();
        System.Console.Out.WriteLine((await response.Content.ReadFromJsonAsync<RunView>(Json, cancellationToken))!.RunId);
        return ExitCode.Done;
    }

    private static async IAsyncEnumerable<ProgressEvent> EventsAsync(
        HttpClient http, Guid runId, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(new Uri($"runs/{runId}/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var item in SseParser.Create(body, (_, data) => JsonSerializer.Deserialize<ProgressEvent>(data, Json)!).EnumerateAsync(cancellationToken))
        {
            yield return item.Data;
        }
    }

    private static async Task<int> AskAsync(ParseResult options, Func<HttpClient, Task<int>> ask)
    {
        var url = options.GetValue(Url)!;
        using var http = ServiceCalls.To(url, Timeout.InfiniteTimeSpan);
        try
        {
            return await ask(http);
        }
        catch (HttpRequestException e)
        {
            await System.Console.Error.WriteLineAsync($"The Orchestrator at {url} did not answer as expected: {e.Message}");
            return ExitCode.Failed;
        }
    }
}
