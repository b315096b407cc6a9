using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Console;
using Spectre.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents status</c> and <c>flevents watch</c>: a running deployment over its API.</summary>
public static class DeploymentCommands
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private static readonly Option<Uri> Url = new("--url")
    {
        Description = "Address of the Orchestrator.",
        DefaultValueFactory = _ => new Uri("http://127.0.0.1:5080/"),
        CustomParser = Address,
    };

    private static readonly Argument<Guid?> RunId = new("run") { Description = "Id of a run; the newest where absent.", Arity = ArgumentArity.ZeroOrOne };

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

    private static Uri? Address(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (Uri.TryCreate(text.EndsWith('/') ? text : $"{text}/", UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            return url;
        }

        argument.AddError($"--url: expected an address such as http://127.0.0.1:5080, got \"{text}\"");
        return null;
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
        using var http = new HttpClient { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan };
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
