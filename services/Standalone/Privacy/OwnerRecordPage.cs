using System.Globalization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.Console;
using Spectre.Console;

namespace FlEvents.Standalone.Privacy;

/// <summary>The page of <c>flevents client</c>: what was asked, done and spent. Names come from a server, so they are shown as plain text.</summary>
public static class OwnerRecordPage
{
    private const int LongestName = 24;

    public static void Write(OwnerRecord record, double delta, IAnsiConsole console)
    {
        var runs = record.Clients.SelectMany(client => client.Runs, (client, run) => (client.ClientId, Run: run)).ToList();
        Write(console, "Runs", ["Client", "Run", "Asked", "Done", "Refused", "Sent", "Scored"], runs.Select(entry => (string[])
        [
            entry.ClientId, Name(entry.Run), HumanUnits.Count(entry.Run.Asked), HumanUnits.Count(entry.Run.Done), HumanUnits.Count(entry.Run.Refused + entry.Run.EvaluationsRefused),
            HumanUnits.Bytes(entry.Run.SentBytes), HumanUnits.Count(entry.Run.Evaluated),
        ]));
        Write(
            console,
            "Not done",
            ["Client", "Run", "How", "Reason", "Rule", "Tasks"],
            runs.SelectMany(entry => entry.Run.Ends, (entry, end) => (string[])
                [entry.ClientId, Name(entry.Run), end.State.ToLowerInvariant(), end.ReasonCode, end.Rule ?? "–", HumanUnits.Count(end.Tasks)]));
        Write(
            console,
            $"Spent, at δ = {SpecText.Number(delta)}",
            ["Client", "Data", "Run", "ε example", "ε client"],
            record.Clients.SelectMany(Spent));
    }

    // What runs spent together is less than the sum, and not the most of them.
    private static IEnumerable<string[]> Spent(ClientRecord client) =>
        from data in client.DataSets
        let runs = client.Runs.Where(run => run.DataSet == data.DataSet && run.Units.Count > 0).Select(run => (Name: Name(run), run.Units))
        from row in runs.Append((Name: "all", data.Units))
        select (string[])[client.ClientId, SpecText.Plain(data.DataSet, LongestName), row.Name, Epsilon(row.Units, PrivacyUnit.Example), Epsilon(row.Units, PrivacyUnit.Client)];

    private static void Write(IAnsiConsole console, string title, string[] columns, IEnumerable<string[]> rows)
    {
        var all = rows.ToList();
        if (all.Count == 0)
        {
            return;
        }

        console.WriteLine(title);
        var table = new Table { Border = TableBorder.Minimal };
        table.AddColumns([.. columns.Select((name, at) => new TableColumn(name) { NoWrap = at == 0 })]);
        all.ForEach(row => table.AddRow(row.Select(cell => new Text(cell))));
        console.Write(table);
    }

    // A name alone could be another run's too.
    private static string Name(RunRecord run) => string.Create(
        CultureInfo.InvariantCulture, $"{(run.Name.Length == 0 ? "unnamed" : SpecText.Plain(run.Name, LongestName))} {run.RunId.ToString("D")[^4..]}");

    private static string Epsilon(IReadOnlyList<UnitRecord> units, PrivacyUnit unit) => units.FirstOrDefault(spent => spent.Unit == unit) switch
    {
        null => HumanUnits.Score(0),
        { Unbounded: > 0 } => Pricing.Unbounded,
        var spent => HumanUnits.Score(spent.Epsilon),
    };
}
