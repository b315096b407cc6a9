using System.Text;
using FlEvents.Testing;

namespace FlEvents.Observability.Tests;

public class InstrumentTests
{
    private const string Marker = "<!-- Generated from the instruments. -->\n";
    private static readonly string Page = Repository.File("docs", "metrics.md");

    [Fact]
    public void Every_instrument_has_a_unit_and_a_sentence()
    {
        Assert.NotEmpty(Instruments.All);
        Assert.All(Instruments.All, instrument =>
        {
            Assert.Matches(@"^(s|By|\{[a-z]+\})$", instrument.Unit);
            Assert.Matches("^[A-Z0-9].+\\.$", instrument.Description);
        });
    }

    [Fact]
    public void Names_follow_the_conventions_of_Prometheus() => Assert.All(Instruments.All, instrument =>
    {
        Assert.Matches("^fl_[a-z]+(_[a-z]+)*$", instrument.Name);
        Assert.Equal(instrument.Kind == "counter", instrument.Name.EndsWith("_total", StringComparison.Ordinal));
        var stem = instrument.Name.Replace("_total", "", StringComparison.Ordinal);
        Assert.True(stem.EndsWith("_seconds", StringComparison.Ordinal) == (instrument.Unit == "s"), $"{instrument.Name} has unit {instrument.Unit}.");
        Assert.True(stem.EndsWith("_bytes", StringComparison.Ordinal) == (instrument.Unit == "By"), $"{instrument.Name} has unit {instrument.Unit}.");
    });

    [Fact]
    public void The_committed_page_is_current()
    {
        var text = File.ReadAllText(Page);
        var end = text.IndexOf(Marker, StringComparison.Ordinal) + Marker.Length;
        Renewal.Check(Page, text[..end] + Tables());
    }

    private static string Tables()
    {
        var text = new StringBuilder();
        foreach (var source in Instruments.All.GroupBy(instrument => instrument.Source))
        {
            text.Append("\n## ").Append(source.Key).Append("\n\n| Metric | Type | Unit | Meaning |\n|---|---|---|---|\n");
            foreach (var instrument in source)
            {
                text.Append("| `").Append(instrument.Name).Append("` | ").Append(instrument.Kind).Append(" | ").Append(UnitOf(instrument.Unit)).Append(" | ")
                    .Append(instrument.Description).Append(" |\n");
            }
        }

        return text.ToString();
    }

    private static string UnitOf(string unit) => unit switch
    {
        "s" => "seconds",
        "By" => "bytes",
        "{flag}" => "0 or 1",
        "{epsilon}" => "ε",
        "{share}" => "share, 0 to 1",
        "{loss}" => "loss",
        "{entry}" => "entries",
        _ => $"{unit.Trim('{', '}')}s",
    };
}
