using System.Globalization;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;
using Spectre.Console;

namespace FlEvents.Standalone.Console;

/// <summary>The tables of <c>flevents status</c>.</summary>
public static class StatusView
{
    /// <summary>Most clients that are listed; the rest are counted.</summary>
    public const int MostClients = 100;

    public static void Write(IAnsiConsole console, IReadOnlyList<RunView> runs, IReadOnlyList<ClientView> clients)
    {
        if (runs.Count == 0)
        {
            console.WriteLine("No runs.");
        }
        else
        {
            console.Write(Runs(runs));
        }

        if (clients.Count == 0)
        {
            console.WriteLine("No clients.");
            return;
        }

        console.Write(Clients(clients));
        if (clients.Count > MostClients)
        {
            console.WriteLine($"and {clients.Count - MostClients} more clients");
        }
    }

    private static Table Runs(IReadOnlyList<RunView> runs)
    {
        var table = Plain("Run", "Name", "State", "Round", "Started", "Model");
        table.Columns[3].RightAligned();
        foreach (var run in runs)
        {
            AddRow(
                table,
                run.RunId.ToString(),
                run.Name,
                run.Reason is null ? StateNames.Of(run.State) : $"{StateNames.Of(run.State)}: {run.Reason}",
                string.Create(CultureInfo.InvariantCulture, $"{run.Round} of {run.Rounds}"),
                run.CreatedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
                run.Model?.Sha256[..12] ?? "–");
        }

        return table;
    }

    private static Table Clients(IReadOnlyList<ClientView> clients)
    {
        var table = Plain("Client", "Served by", "Alive", "Data sets", "Examples");
        table.Columns[4].RightAligned();
        foreach (var client in clients.Take(MostClients))
        {
            AddRow(
                table,
                client.ClientId,
                client.Pool is { } pool ? $"pool {pool}" : "its own worker",
                client.Alive ? "yes" : "no",
                string.Join(", ", client.DataSets.Select(held => held.Ledger.DataSet).Distinct(StringComparer.Ordinal)),
                HumanUnits.Count(client.DataSets.Sum(held => (long)held.ExampleCount)));
        }

        return table;
    }

    private static Table Plain(params string[] headings)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var heading in headings)
        {
            table.AddColumn(new TableColumn(new Text(heading)));
        }

        return table;
    }

    // As text, never as markup: names come from others.
    private static void AddRow(Table table, params string[] cells) => table.AddRow(cells.Select(cell => new Text(SpecText.Plain(cell))));
}
