using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Report;

namespace FlEvents.Standalone.Tests.Report;

public partial class ReportPageTests
{
    private const string Hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u2028\u202e\u0001 \"'& {{script}}";

    [Fact]
    public void The_page_is_well_formed()
    {
        var page = Markup(ReportPage.Create(ExampleRun.Summary()));

        Assert.Equal("html", page.Root!.Name.LocalName);
        Assert.Equal("Handwritten digits", page.Descendants("h1").Single().Value);
        Assert.Equal(["accuracy", "loss", "bytes", "time", "clients"], page.Descendants("div").Attributes("data-chart").Select(chart => chart.Value));
        Assert.Equal([12, 10], page.Descendants("tbody").Select(body => body.Elements("tr").Count()));
        Assert.Equal(10, page.Descendants("ul").Single(list => (string?)list.Attribute("class") == "classes").Elements("li").Count());
    }

    [Fact]
    public void The_page_loads_nothing_from_elsewhere()
    {
        var page = ReportPage.Create(ExampleRun.Summary());

        Assert.DoesNotContain("<link", page, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\ssrc=", Markup(page).ToString());
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_names_stay_text()
    {
        var spec = ExampleRun.Spec with
        {
            Name = Hostile,
            Data = ExampleRun.Spec.Data with { Label = new LabelSpec { Name = Hostile, Classes = [.. Enumerable.Range(0, 10).Select(i => $"{Hostile}{i}")] } },
        };
        var rounds = ExampleRun.Rounds().Select(round => round with { Reason = round.Reason is null ? null : Hostile });
        var clients = ExampleRun.Contributions().Select(client => client with { ClientId = Hostile });

        var page = ReportPage.Create(Summary.Create(ExampleRun.Run(RunState.Abandoned, spec) with { Reason = Hostile }, rounds, clients, [], TimeSpan.FromSeconds(1), Hostile));
        var markup = Markup(page);

        Assert.Equal(Scripts(ReportPage.Create(ExampleRun.Summary())).Count, Scripts(page).Count);
        Assert.Empty(markup.Descendants("img"));
        Assert.DoesNotContain("{{", Markup(ReportPage.Create(ExampleRun.Summary())).ToString(), StringComparison.Ordinal);
        Assert.Equal(Hostile.Replace('\u0001', '\uFFFD'), markup.Descendants("h1").Single().Value);

        var data = JsonDocument.Parse(Scripts(page)[0]).RootElement;
        Assert.Equal(Hostile, data.GetProperty("clients")[0].GetProperty("clientId").GetString());
        Assert.DoesNotMatch("[<>\u2028]", Scripts(page)[0]);
    }

    [Fact]
    public void The_page_says_what_is_not_protected()
    {
        var plain = ReportPage.Create(ExampleRun.Summary());
        var onTarget = ExampleRun.Spec with { Selection = new SelectionSpec { Count = 5, CloseOnTarget = true } };

        Assert.Contains("No privacy guarantee:", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("depends on timing", plain, StringComparison.Ordinal);
        Assert.Contains("depends on timing", ReportPage.Create(Summary.Create(ExampleRun.Run(spec: onTarget), [], [], [], TimeSpan.Zero, "0")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_without_rounds_or_clients_has_a_page_too()
    {
        var page = Markup(ReportPage.Create(Summary.Create(ExampleRun.Run(RunState.Stopped), [], [], [], TimeSpan.Zero, "0")));

        Assert.Empty(page.Descendants("table"));
        Assert.Contains("No round was finished.", page.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Many_rounds_and_clients_are_listed_up_to_a_limit()
    {
        var page = Markup(ReportPage.Create(Summary.Create(ExampleRun.Run(), ExampleRun.Rounds(1200), ExampleRun.Contributions(1200), [], TimeSpan.Zero, "0")));

        Assert.All(page.Descendants("tbody"), body => Assert.Equal(1000, body.Elements("tr").Count()));
        Assert.Contains("The last 1000 of 1200 rounds", page.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The page without what stands in scripts and styles. It is written so that what remains is XML.</summary>
    private static XDocument Markup(string page) => XDocument.Parse(Raw().Replace(page, "<$1></$1>"));

    private static List<string> Scripts(string page) => [.. Raw().Matches(page).Where(match => match.Groups[1].Value == "script").Select(match => match.Groups[2].Value)];

    [GeneratedRegex("<(script|style)[^>]*>(.*?)</\\1>", RegexOptions.Singleline)]
    private static partial Regex Raw();
}
