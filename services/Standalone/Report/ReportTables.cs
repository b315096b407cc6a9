using System.Globalization;
using System.Text;
using System.Text.Json;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Report;

/// <summary>The tables of the report page.</summary>
internal static class ReportTables
{
    // A browser lays out a thousand rows at once without effort; summary.json has them all.
    private const int MostRows = 1000;

    public static string Rounds(SummaryFile summary)
    {
        var rounds = summary.Rounds;
        var columns = new Columns<SummaryRound>();
        columns.Add("Round", round => Number(round.Round));
        columns.AddIf(rounds.Any(round => round.Accuracy is not null), "Accuracy", round => HumanUnits.Share(round.Accuracy));
        columns.AddIf(rounds.Any(round => round.Loss is not null), "Loss", round => HumanUnits.Score(round.Loss));
        if (summary.ScoredOn == ScoreSource.HeldOutData)
        {
            columns.AddIf(rounds.Any(round => round.ClientAccuracy is not null), "Accuracy at clients", round => HumanUnits.Share(round.ClientAccuracy));
            columns.AddIf(rounds.Any(round => round.ClientLoss is not null), "Loss at clients", round => HumanUnits.Score(round.ClientLoss));
        }

        columns.Add("Admitted", round => $"{HumanUnits.Count(round.UpdatesAdmitted)} of {HumanUnits.Count(round.ClientsSelected)}");
        columns.AddIf(rounds.Any(round => round.UpdatesLate > 0), "Late", round => HumanUnits.Count(round.UpdatesLate));
        columns.AddIf(rounds.Any(round => round.UpdatesRejected > 0), "Rejected", round => HumanUnits.Count(round.UpdatesRejected));
        columns.AddIf(rounds.Any(round => round.ClientsRefused > 0), "Refused", round => HumanUnits.Count(round.ClientsRefused));
        columns.AddIf(rounds.Any(round => round.ClipNorm != rounds[0].ClipNorm), "Clipping norm", round => HumanUnits.Score(round.ClipNorm));
        columns.Add("Down", round => HumanUnits.Bytes(round.BytesDown));
        columns.Add("Up", round => HumanUnits.Bytes(round.BytesUp));
        columns.Add("Time", round => round.DurationMs is { } duration ? HumanUnits.Duration(duration / 1000) : "–");
        columns.Add("Model", round => round.ModelSha256 is { } hash ? $"""<code title="{hash}">{hash[..8]}</code>""" : "–");
        columns.AddIf(
            rounds.Any(round => round.State == RoundState.Abandoned),
            "State",
            round => round.State == RoundState.Abandoned ? $"abandoned: {ReportText.Html(round.Reason ?? "no reason given")}" : "done",
            "text");
        return columns.Render(rounds, round => round.State == RoundState.Abandoned ? "abandoned" : null, MostRows, "rounds");
    }

    public static string Clients(SummaryFile summary)
    {
        var clients = summary.Clients;
        var (mostWeight, mostRounds, mostUp) = (clients.Max(client => client.Weight), clients.Max(client => client.RoundsParticipated), clients.Max(client => client.BytesUp));
        var columns = new Columns<SummaryClient>();
        columns.Add("Client", client => ReportText.Name(client.ClientId), "name");
        columns.Add(summary.Run.Data.PrivacyUnitColumn is null ? "Examples" : "Privacy units", client => HumanUnits.Count(client.Examples));
        columns.Add("Share of training", client => WithBar(HumanUnits.Share(client.Weight), client.Weight, mostWeight));
        columns.Add("Rounds", client => WithBar(HumanUnits.Count(client.RoundsParticipated), client.RoundsParticipated, mostRounds));
        columns.Add("Up", client => WithBar(HumanUnits.Bytes(client.BytesUp), client.BytesUp, mostUp));
        columns.AddIf(
            clients.Any(client => client.TrainingSeconds is not null),
            "Training time",
            client => client.TrainingSeconds is { } seconds ? HumanUnits.Duration(seconds) : "–");
        if (clients.Any(client => client.Epsilon is not null))
        {
            columns.Add("ε spent", client => HumanUnits.Score(client.Epsilon));
            columns.Add("at δ", client => HumanUnits.Score(client.Delta));
            columns.AddIf(clients.Any(client => client.Budget is not null), "ε of the budget", client => HumanUnits.Score(client.Budget));
            columns.AddIf(clients.Any(client => client.Left is not null), "Left", client => client.Left is { } left ? WithBar(HumanUnits.Share(left), left, 1) : "–");
        }

        return columns.Render(clients, _ => null, MostRows, "clients");
    }

    /// <summary>Every key of the run, as it was used: defaults are written out.</summary>
    public static string Settings(SummaryFile summary)
    {
        var rows = new StringBuilder("<dl class=\"settings\">");
        foreach (var (key, value) in Flatten("", JsonSerializer.SerializeToElement(summary.Run, SpecKeys.Json)))
        {
            rows.Append(CultureInfo.InvariantCulture, $"<div><dt>{ReportText.Html(key)}</dt><dd>{ReportText.Name(value)}</dd></div>");
        }

        return rows.Append("</dl>").ToString();
    }

    private static IEnumerable<(string Key, string Value)> Flatten(string path, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().SelectMany(property => Flatten(path.Length == 0 ? property.Name : $"{path}.{property.Name}", property.Value)),
        JsonValueKind.Array when value.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.Object) => value.EnumerateArray()
            .SelectMany((item, index) => Flatten($"{path}[{index}]", item)),
        JsonValueKind.Array => [(path, value.GetArrayLength() > 30 ? $"{value.GetArrayLength()} values" : string.Join(", ", value.EnumerateArray()))],
        JsonValueKind.True => [(path, "yes")],
        JsonValueKind.False => [(path, "no")],
        _ => [(path, value.ToString())],
    };

    private static string WithBar(string shown, double value, double largest) =>
        $"""{shown}<span class="share">{ReportText.Bar(largest > 0 ? value / largest : 0)}</span>""";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Columns of a table: a heading, what a cell shows as HTML, and the class of its cells.</summary>
    private sealed class Columns<T>
    {
        private readonly List<(string Heading, Func<T, string> Cell, string? Class)> _columns = [];

        public void Add(string heading, Func<T, string> cell, string? cellClass = null) => _columns.Add((heading, cell, cellClass));

        public void AddIf(bool wanted, string heading, Func<T, string> cell, string? cellClass = null)
        {
            if (wanted)
            {
                Add(heading, cell, cellClass);
            }
        }

        public string Render(IReadOnlyList<T> items, Func<T, string?> rowClass, int most, string what)
        {
            var html = new StringBuilder("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
            foreach (var (heading, _, cellClass) in _columns)
            {
                html.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\"{Class(cellClass)}>{heading}</th>");
            }

            html.Append("</tr></thead><tbody>\n");
            foreach (var item in items.TakeLast(most))
            {
                html.Append(CultureInfo.InvariantCulture, $"<tr{Class(rowClass(item))}>");
                foreach (var (_, cell, cellClass) in _columns)
                {
                    html.Append(CultureInfo.InvariantCulture, $"<td{Class(cellClass)}>{cell(item)}</td>");
                }

                html.Append("</tr>\n");
            }

            html.Append("</tbody></table></div>");
            return items.Count <= most
                ? html.ToString()
                : html.Append(CultureInfo.InvariantCulture, $"<p class=\"soft\">The last {most} of {items.Count} {what}; summary.json has all.</p>").ToString();
        }

        private static string Class(string? name) => name is null ? "" : $" class=\"{name}\"";
    }
}
