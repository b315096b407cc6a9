using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.ServiceDefaults.Quarantine;
using FlEvents.Standalone.Console;
using Spectre.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents quarantine</c>: messages that a service could not or would not act on.</summary>
public static class QuarantineCommand
{
    private static readonly Option<Uri> Url = ServiceAddress.Option("Address of a service; of any of them where they share a process.");

    private static readonly Argument<string> Message = new("message") { Description = "Service and number of a message, as in the list: aggregator/3." };

    public static Command Create()
    {
        var list = new Command("list", "Lists quarantined messages, oldest first.") { Url };
        list.SetAction((options, cancellationToken) => AskAsync(options, http => ListAsync(http, AnsiConsole.Console, cancellationToken)));
        var show = new Command("show", "Shows a quarantined message with its reason and its body.") { Message, Url };
        show.SetAction((options, cancellationToken) => AskAsync(options, http => ShowAsync(http, options.GetValue(Message)!, cancellationToken)));
        var replay = new Command("replay", "Sends a quarantined message to its queue again.") { Message, Url };
        replay.SetAction((options, cancellationToken) => AskAsync(
            options, async http => await EndAsync(await http.PostAsync(PathOf($"{options.GetValue(Message)}/replay"), content: null, cancellationToken), options.GetValue(Message)!, cancellationToken)));
        var discard = new Command("discard", "Forgets a quarantined message for good.") { Message, Url };
        discard.SetAction((options, cancellationToken) => AskAsync(
            options, async http => await EndAsync(await http.DeleteAsync(PathOf(options.GetValue(Message)!), cancellationToken), options.GetValue(Message)!, cancellationToken)));
        return new Command("quarantine", "Looks at messages that a service could not or would not act on.") { list, show, replay, discard };
    }

    private static async Task<int> ListAsync(HttpClient http, IAnsiConsole console, CancellationToken cancellationToken)
    {
        var messages = (await http.GetFromJsonAsync<List<QuarantineView>>("quarantine?limit=1000", JsonSerializerOptions.Web, cancellationToken))!;
        if (messages.Count == 0)
        {
            console.WriteLine("No messages are quarantined.");
            return ExitCode.Done;
        }

        var table = new Table { Border = TableBorder.Minimal };
        table.AddColumns("Message", "Type", "Reason", "Since", "Detail");
        foreach (var message in messages)
        {
            table.AddRow(
                new Text($"{message.Service}/{message.Id.ToString(CultureInfo.InvariantCulture)}"),
                new Text(message.Type ?? "unreadable"),
                new Text(message.Reason),
                new Text(message.At.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)),
                new Text(message.Detail));
        }

        console.Write(table);
        return ExitCode.Done;
    }

    private static async Task<int> ShowAsync(HttpClient http, string message, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(PathOf(message), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return await NoneAsync(message);
        }

        var found = (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<QuarantineView>(JsonSerializerOptions.Web, cancellationToken))!;
        var output = System.Console.Out;
        await output.WriteLineAsync($"Message   {found.Type ?? "unreadable"} {found.MessageId}");
        await output.WriteLineAsync($"Queue     {found.Endpoint}");
        await output.WriteLineAsync($"Since     {found.At.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture)}");
        await output.WriteLineAsync($"Reason    {found.Reason}: {found.Detail}");
        await output.WriteLineAsync(found.Body);
        return ExitCode.Done;
    }

    private static async Task<int> EndAsync(HttpResponseMessage response, string message, CancellationToken cancellationToken)
    {
        using var answer = response;
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return await NoneAsync(message);
        }

        if (answer.StatusCode == HttpStatusCode.Conflict)
        {
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            await System.Console.Error.WriteLineAsync(problem.GetProperty("detail").GetString());
            return ExitCode.Failed;
        }

        answer.EnsureSuccessStatusCode();
        return ExitCode.Done;
    }

    private static async Task<int> NoneAsync(string message)
    {
        await System.Console.Error.WriteLineAsync($"There is no quarantined message \"{message}\"; expected one of the list, such as aggregator/3.");
        return ExitCode.BadInput;
    }

    private static Uri PathOf(string message) => new($"quarantine/{Uri.EscapeDataString(message).Replace("%2F", "/", StringComparison.Ordinal)}", UriKind.Relative);

    private static Task<int> AskAsync(ParseResult options, Func<HttpClient, Task<int>> ask) => ServiceCalls.AskAsync("service", options.GetValue(Url)!, ask);
}
