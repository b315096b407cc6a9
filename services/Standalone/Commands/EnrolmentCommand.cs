using System.CommandLine;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Orchestrator.Edge;
using FlEvents.Standalone.Console;
using Spectre.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents enrolment</c>: who may take part over HTTPS.</summary>
public static class EnrolmentCommand
{
    private static readonly Option<Uri> Url = ServiceAddress.Option("Address of the Orchestrator.");

    private static readonly Argument<string> Client = new("client") { Description = "Id of the client." };
    private static readonly Option<string> Owner = new("--owner") { Description = "Whose privacy budgets its data is charged to.", Required = true };
    private static readonly Option<int> Hours = new("--hours") { Description = "How long the token is good.", DefaultValueFactory = _ => 72 };
    private static readonly Option<string> Key = new("--key") { Description = "Name of the key that is let in, as its owner reads it out: 64 hexadecimal digits.", Required = true };

    public static Command Create()
    {
        var list = new Command("list", "Lists the clients that were invited.") { Url };
        list.SetAction((options, stop) => AskAsync(options, http => ListAsync(http, AnsiConsole.Console, stop)));
        var invite = new Command("invite", "Invites a client: prints its one-time token, once.") { Client, Owner, Hours, Url };
        invite.SetAction((options, stop) => AskAsync(options, http => InviteAsync(http, options, stop)));
        var approve = new Command("approve", "Lets the key that a client came with in.") { Client, Key, Url };
        approve.SetAction((options, stop) => AskAsync(options, http => DecideAsync(http, options, "approve", new { keySha256 = options.GetValue(Key) }, stop)));
        return new Command("enrolment", "Decides who takes part over HTTPS.")
        {
            list,
            invite,
            approve,
            Decision("suspend", "Neither draws nor hears a client until it is resumed."),
            Decision("resume", "Draws and hears a suspended client again."),
            Decision("revoke", "Ends a client's enrolment. Its ledger is kept."),
        };
    }

    private static Command Decision(string name, string description)
    {
        var command = new Command(name, description) { Client, Url };
        command.SetAction((options, stop) => AskAsync(options, http => DecideAsync(http, options, name, body: null, stop)));
        return command;
    }

    private static async Task<int> ListAsync(HttpClient http, IAnsiConsole console, CancellationToken cancellationToken)
    {
        var enrolments = (await http.GetFromJsonAsync<List<EnrolmentView>>("enrolments", JsonSerializerOptions.Web, cancellationToken))!;
        if (enrolments.Count == 0)
        {
            console.WriteLine("Nobody was invited.");
            return ExitCode.Done;
        }

        var table = new Table { Border = TableBorder.Minimal };
        table.AddColumns("Client", "Owner", "State", "Key", "Waiting key", "Since");
        foreach (var enrolment in enrolments)
        {
            table.AddRow(
                new Text(enrolment.ClientId),
                new Text(enrolment.Owner),
                new Text(enrolment.State.ToString().ToLowerInvariant()),
                new Text(enrolment.KeySha256 ?? ""),
                new Text(enrolment.WaitingKeySha256 ?? ""),
                new Text(enrolment.ChangedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)));
        }

        console.Write(table);
        return ExitCode.Done;
    }

    private static async Task<int> InviteAsync(HttpClient http, ParseResult options, CancellationToken cancellationToken)
    {
        var invitation = new { clientId = options.GetValue(Client), owner = options.GetValue(Owner), validHours = options.GetValue(Hours) };
        using var response = await http.PostAsJsonAsync("enrolments", invitation, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            return await RefusedAsync(response, cancellationToken);
        }

        var made = (await response.Content.ReadFromJsonAsync<InvitationView>(JsonSerializerOptions.Web, cancellationToken))!;
        await System.Console.Out.WriteLineAsync(made.Token);
        await System.Console.Error.WriteLineAsync($"It is shown once: it goes to {made.Owner}, and is good until {made.EndsAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)}.");
        return ExitCode.Done;
    }

    private static async Task<int> DecideAsync(HttpClient http, ParseResult options, string decision, object? body, CancellationToken cancellationToken)
    {
        var path = $"enrolments/{Uri.EscapeDataString(options.GetValue(Client)!)}/{decision}";
        using var content = body is null ? null : JsonContent.Create(body);
        using var response = await http.PostAsync(new Uri(path, UriKind.Relative), content, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            return await RefusedAsync(response, cancellationToken);
        }

        var now = (await response.Content.ReadFromJsonAsync<EnrolmentView>(JsonSerializerOptions.Web, cancellationToken))!;
        await System.Console.Out.WriteLineAsync($"{now.ClientId} is {now.State.ToString().ToLowerInvariant()}.");
        return ExitCode.Done;
    }

    private static async Task<int> RefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        await System.Console.Error.WriteLineAsync(problem.TryGetProperty("detail", out var detail) ? detail.GetString() : response.ReasonPhrase);
        return ExitCode.BadInput;
    }

    private static Task<int> AskAsync(ParseResult options, Func<HttpClient, Task<int>> ask) => ServiceCalls.AskAsync("Orchestrator", options.GetValue(Url)!, ask);
}
