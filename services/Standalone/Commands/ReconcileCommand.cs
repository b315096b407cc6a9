using System.CommandLine;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents ledger reconcile</c>: tells why a ledger is quarantined, has it reconciled, or ends the quarantine on a person's word.</summary>
public static class ReconcileCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private static readonly Option<Uri> Url = ServiceAddress.Option("Address of the PrivacyAccountant.", 5082);

    private static readonly Option<string?> Accept = new("--accept") { Description = "Ends the quarantine with what nobody could account for; the reason is written into the log." };
    private static readonly Option<int> Wait = new("--wait") { Description = "Longest wait for the other services' reports, in seconds.", DefaultValueFactory = _ => 30 };

    public static Command Create()
    {
        var command = new Command("reconcile", "Has a quarantined ledger told what it has lost, and shows what is missing.") { Url, Accept, Wait };
        command.SetAction((options, cancellationToken) => ServiceCalls.AskAsync("PrivacyAccountant", options.GetValue(Url)!, http => ExecuteAsync(
            http, options.GetValue(Accept), TimeSpan.FromSeconds(options.GetValue(Wait)), System.Console.Out, System.Console.Error, cancellationToken)));
        return command;
    }

    /// <param name="http">Its base address is the PrivacyAccountant's.</param>
    /// <param name="accept">Why the quarantine is to end with what is missing; null to have it reconciled.</param>
    /// <returns>The exit code: 0 once the ledger charges, 1 when it is still quarantined.</returns>
    public static async Task<int> ExecuteAsync(HttpClient http, string? accept, TimeSpan longest, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        using var answer = accept is null
            ? await http.PostAsync(new Uri("ledger/quarantine/ask", UriKind.Relative), content: null, cancellationToken)
            : await http.PostAsJsonAsync(new Uri("ledger/quarantine/accept", UriKind.Relative), new AcceptRequest { Reason = accept }, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.Conflict)
        {
            await output.WriteLineAsync("The ledger is not quarantined.");
            return ExitCode.Done;
        }

        if (answer.StatusCode == HttpStatusCode.BadRequest)
        {
            await errors.WriteLineAsync($"--accept: expected a reason of 1 to 1000 characters, got \"{accept}\".");
            return ExitCode.BadInput;
        }

        answer.EnsureSuccessStatusCode();
        var view = await ViewAsync(http, cancellationToken);
        for (var waited = TimeSpan.Zero; view.IsQuarantined && waited < longest; waited += Pause)
        {
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            view = await ViewAsync(http, cancellationToken);
        }

        if (!view.IsQuarantined)
        {
            await output.WriteLineAsync("The ledger charges again.");
            return ExitCode.Done;
        }

        await errors.WriteLineAsync($"The ledger is quarantined since entry {view.Entry!.Sequence}; {view.Held} messages wait.");
        foreach (var line in view.Causes.Concat(view.Obstacles))
        {
            await errors.WriteLineAsync($"  {line}");
        }

        return ExitCode.Failed;
    }

    private static async Task<LedgerQuarantineView> ViewAsync(HttpClient http, CancellationToken cancellationToken) =>
        (await http.GetFromJsonAsync<LedgerQuarantineView>(new Uri("ledger/quarantine", UriKind.Relative), JsonSerializerOptions.Web, cancellationToken))!;
}
