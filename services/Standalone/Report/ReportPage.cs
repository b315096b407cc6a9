using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Report;

/// <summary>The report of a run as one HTML page that needs nothing else: no network, no file beside it.</summary>
public static partial class ReportPage
{
    private const int MostClassesShown = 60;

    /// <summary>Writes the page so that a reader sees the old one or the whole new one.</summary>
    public static void Write(SummaryFile summary, string path) => AtomicFile.Write(path, Encoding.UTF8.GetBytes(Create(summary)));

    /// <summary>The page. Every text value is escaped.</summary>
    public static string Create(SummaryFile summary)
    {
        var parts = new Dictionary<string, string>
        {
            ["title"] = ReportText.Html($"{summary.Name} – FlEvents report"),
            ["style"] = Resource("report.css"),
            ["chart-style"] = Resource("uPlot.min.css"),
            ["chart-script"] = Resource("uPlot.iife.min.js"),
            ["script"] = Resource("report.js"),
            ["charts"] = ChartData(summary),
            ["body"] = string.Join('\n', Header(summary), Figures(summary), ReportPrivacy.Section(summary), Charts(summary), Classes(summary), Tables(summary), Footer(summary)),
        };

        // One pass: a value that contains the name of a part stays as it is.
        return Part().Replace(Resource("report.html"), match => parts[match.Groups[1].Value]);
    }

    private static string Header(SummaryFile summary) => $"""
        <header>
        <div class="head"><h1>{ReportText.Name(summary.Name)}</h1><span class="state {(summary.State == RunState.Completed ? "completed" : "early")}">{StateNames.Of(summary.State)}</span></div>
        <p class="soft">Federated learning run, started {ReportText.Time(summary.StartedAt)}{(summary.Reason is { } reason ? $". {ReportText.Name(reason)}" : "")}</p>
        </header>
        """;

    private static string Figures(SummaryFile summary)
    {
        var figures = new List<string>();
        if (summary.Final is { } final)
        {
            var basis = $"{(summary.ScoredOn == ScoreSource.Clients ? "clients’ validation data" : "held-out data")}, {HumanUnits.Count(final.ExampleCount)} examples, after round {final.Round}";
            AddIf(final.Accuracy is not null, "Accuracy", HumanUnits.Share(final.Accuracy), basis);
            AddIf(final.Auc is not null, "Area under ROC", HumanUnits.Score(final.Auc), "1 is perfect, 0.5 is chance");
            AddIf(final.MeanAbsoluteError is not null, "Mean absolute error", HumanUnits.Score(final.MeanAbsoluteError), "in the label’s unit");
            Add("Loss", HumanUnits.Score(final.Loss), final.Accuracy is null ? basis : "mean per example");
        }

        var done = summary.Rounds.Count(round => round.State == RoundState.Done);
        var abandoned = summary.Rounds.Count - done;
        var down = summary.Rounds.Sum(round => round.BytesDown);
        var up = summary.Rounds.Sum(round => round.BytesUp);
        var active = summary.Clients.Count(client => client.RoundsParticipated > 0);
        Add("Rounds", HumanUnits.Count(done), $"of {HumanUnits.Count(summary.Run.Rounds)} planned{(abandoned > 0 ? $", {abandoned} abandoned" : "")}");
        Add("Clients", HumanUnits.Count(summary.Clients.Count), $"{HumanUnits.Count(active)} contributed");
        Add("Time", HumanUnits.Duration(summary.WallSeconds), done > 0 ? $"{HumanUnits.Duration(summary.WallSeconds / done)} per round" : "");
        Add("Traffic", HumanUnits.Bytes(down + up), $"{HumanUnits.Bytes(down)} down, {HumanUnits.Bytes(up)} up");
        AddIf(
            summary.ParameterCount is not null,
            "Parameters",
            HumanUnits.Count(summary.ParameterCount ?? 0),
            summary.ModelSizeBytes is { } size ? $"model of {HumanUnits.Bytes(size)}" : "");
        var across = figures.Count <= 7 ? figures.Count : (figures.Count + 1) / 2;
        return $"<dl class=\"figures\" style=\"--across:{across}\">\n{string.Concat(figures)}</dl>";

        void Add(string name, string value, string note) =>
            figures.Add($"<div><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>\n");

        void AddIf(bool wanted, string name, string value, string note)
        {
            if (wanted)
            {
                Add(name, value, note);
            }
        }
    }

    private static string Charts(SummaryFile summary)
    {
        if (summary.Rounds.Count == 0)
        {
            return "<p class=\"soft\">No round was finished.</p>";
        }

        var html = new StringBuilder("<h2>By round</h2>\n<section class=\"charts\">\n");
        AddIf(summary.Rounds.Any(round => round.Accuracy is not null || round.ClientAccuracy is not null), "accuracy", "Accuracy", "share of examples in the right class");
        AddIf(summary.Rounds.Any(round => round.Loss is not null || round.ClientLoss is not null), "loss", "Loss", "mean per example");
        AddIf(true, "bytes", "Traffic", "bytes between server and clients");
        AddIf(true, "time", "Time", "from the draw of the cohort to the new model");
        html.Append("</section>\n");
        if (summary.Clients.Count > 0)
        {
            html.Append("<h2>By client</h2>\n<section>\n");
            AddIf(true, "clients", "Contribution", "share of all training examples aggregated");
            html.Append("</section>\n");
        }

        return html.Append("<noscript><p class=\"soft\">The charts need JavaScript; the tables below hold the same figures.</p></noscript>").ToString();

        void AddIf(bool wanted, string id, string title, string unit)
        {
            if (wanted)
            {
                html.Append(CultureInfo.InvariantCulture, $"""<figure class="chart"><figcaption><h3>{title}</h3><span>{unit}</span></figcaption><div class="plot" data-chart="{id}"></div></figure>""").Append('\n');
            }
        }
    }

    private static string Classes(SummaryFile summary)
    {
        if (summary.Final?.PerClassAccuracy is not { Count: > 0 } accuracy)
        {
            return "";
        }

        var names = summary.Run.Data.Label?.Classes;
        var classes = accuracy.Select((share, index) => (Name: names is not null && index < names.Count ? names[index] : index.ToString(CultureInfo.InvariantCulture), Share: share)).ToList();
        var all = classes.Count <= MostClassesShown;
        var shown = all ? classes : [.. classes.Where(item => item.Share is not null).OrderBy(item => item.Share).Take(MostClassesShown)];
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"<h2>Accuracy by class</h2>\n<ul class=\"classes\" style=\"--name:{Math.Clamp(shown.Max(item => item.Name.Length) + 1, 2, 18)}ch\">\n");
        foreach (var (name, share) in shown)
        {
            html.Append(CultureInfo.InvariantCulture, $"""<li><bdi title="{ReportText.Html(name)}">{ReportText.Html(name)}</bdi>{ReportText.Bar(share ?? 0)}<span class="number">{HumanUnits.Share(share)}</span></li>""").Append('\n');
        }

        html.Append("</ul>");
        return all ? html.ToString() : html.Append(CultureInfo.InvariantCulture, $"<p class=\"soft\">The lowest {shown.Count} of {classes.Count} classes; summary.json has all.</p>").ToString();
    }

    private static string Tables(SummaryFile summary)
    {
        var html = new StringBuilder();
        if (summary.Rounds.Count > 0)
        {
            html.Append("<h2>Rounds</h2>\n").Append(ReportTables.Rounds(summary));
        }

        if (summary.Clients.Count > 0)
        {
            html.Append("<h2>Clients</h2>\n").Append(ReportTables.Clients(summary));
        }

        return html.Append("<h2>Run file</h2>\n").Append(ReportTables.Settings(summary)).ToString();
    }

    private static string Footer(SummaryFile summary) => $"""
        <footer>
        <p>Model SHA-256: <code>{ReportText.Html(summary.ModelSha256 ?? "none")}</code></p>
        <p>Run <code>{summary.RunId}</code>, seed {summary.Seed}, FlEvents {ReportText.Html(summary.ProductVersion)}. Charts: uPlot, MIT licence.</p>
        </footer>
        """;

    // The encoder writes <, >, &, ' and everything outside ASCII as \uXXXX, so that no value can end the script element it stands in.
    private static string ChartData(SummaryFile summary) => JsonSerializer.Serialize(
        new
        {
            summary.ScoredOn,
            Rounds = summary.Rounds.Select(round => new
            {
                round.Round,
                round.Accuracy,
                round.Loss,
                round.ClientAccuracy,
                round.ClientLoss,
                round.BytesDown,
                round.BytesUp,
                round.DurationMs,
            }),
            Clients = summary.Clients.OrderByDescending(client => client.Weight).Select(client => new { client.ClientId, client.Weight }),
        },
        ChartJson);

    private static readonly JsonSerializerOptions ChartJson = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Report.{name}")
            ?? throw new InvalidOperationException($"The program was built without its resource Report.{name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex("{{([a-z-]+)}}")]
    private static partial Regex Part();
}
