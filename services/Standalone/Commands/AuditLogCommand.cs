using System.CommandLine;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents audit-log</c>: who did what over HTTP, and whether the log is whole.</summary>
public static class AuditLogCommand
{
    private static readonly Option<Uri> Url = ServiceAddress.Option("Address of a service; of any of them where they share a process.");

    private static readonly Option<long> From = new("--from") { Description = "First row to show, from 1; those before it are verified as well.", DefaultValueFactory = _ => 1 };

    public static Command Create()
    {
        var command = new Command("audit-log", "Shows a service's audit log and recomputes every hash of it; names the first row that is wrong.") { Url, From };
        command.SetAction((options, cancellationToken) => ServiceCalls.AskAsync(
            "service", options.GetValue(Url)!, http => ExecuteAsync(http, options.GetValue(From), System.Console.Out, System.Console.Error, cancellationToken)));
        return command;
    }

    /// <param name="http">Its base address is the service's.</param>
    /// <param name="from">Sequence of the first row that is shown, at least 1.</param>
    /// <returns>The exit code: 0 for a log that is whole.</returns>
    public static async Task<int> ExecuteAsync(HttpClient http, long from, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        if (from < 1)
        {
            await errors.WriteLineAsync($"--from: expected 1 or more, got {from.ToString(CultureInfo.InvariantCulture)}.");
            return ExitCode.BadInput;
        }

        var head = HashChain.Empty;
        while (await PageAsync(http, head.Sequence, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var row in page)
            {
                if (AuditChain.FaultOf(head, row) is { } fault)
                {
                    await errors.WriteLineAsync($"Row {(head.Sequence + 1).ToString(CultureInfo.InvariantCulture)} is wrong: {PrintableText.Of(fault)}.");
                    return ExitCode.Failed;
                }

                head = new ChainHead(row.Sequence, row.Hash);
                if (row.Sequence >= from)
                {
                    await output.WriteLineAsync(PrintableText.Of(LineOf(row)));
                }
            }
        }

        await output.WriteLineAsync($"Verified  {head.Sequence.ToString(CultureInfo.InvariantCulture)} rows");
        await output.WriteLineAsync($"Head      {head.Hash}");
        return ExitCode.Done;
    }

    private static async Task<List<AuditRow>> PageAsync(HttpClient http, long after, CancellationToken cancellationToken)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"audit?after={after}&limit={Auditing.LargestPage}");
        return await http.GetFromJsonAsync<List<AuditRow>>(new Uri(path, UriKind.Relative), JsonSerializerOptions.Web, cancellationToken) ?? [];
    }

    private static string LineOf(AuditRow row)
    {
        var start = string.Create(CultureInfo.InvariantCulture, $"{row.Sequence,6}  {row.At}  {row.Step,-8}");
        return row.Step == AuditStep.Answered
            ? string.Create(CultureInfo.InvariantCulture, $"{start}  {row.Answers}: {row.Status}")
            : $"{start}  {row.Who} from {row.Remote}: {row.Method} {row.Path} ({row.Scope}){(row.BodySha256 is null ? "" : $" body {row.BodySha256}")}";
    }
}
