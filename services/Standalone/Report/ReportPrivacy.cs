using System.Globalization;
using System.Text;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Report;

/// <summary>The report's section on privacy, for someone who answers for data protection.</summary>
internal static class ReportPrivacy
{
    public static string Section(SummaryFile summary)
    {
        var section = new StringBuilder("<section class=\"protection\">\n");
        if (summary.Guarantee is { } guarantee)
        {
            section.Append(Statement(guarantee));
        }
        else
        {
            section.Append("<p><strong>No privacy guarantee:</strong> every update reached the Aggregator as it was computed, without clipping or noise. "
                + "Updates, and the model made from them, can reveal training examples.</p>");
        }

        return section.Append(List(Facts(summary.Run))).Append("</section>").ToString();
    }

    private static string Statement(Guarantee guarantee)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"<p><strong>Differential privacy for {ReportText.Html(guarantee.UnitText)}</strong>, mode {SpecKeys.Names(typeof(PrivacyMode))[(int)guarantee.Mode]}: ");
        text.Append(guarantee is { FilterEpsilon: { } filter }
            ? $"at most ε = {HumanUnits.Score(filter)} at δ = {HumanUnits.Score(guarantee.Delta)}, over all runs with this data."
            : "no charge so far, or one that is unbounded.");
        text.Append("</p>\n<dl class=\"settings\">");
        foreach (var (name, value) in Numbers(guarantee))
        {
            text.Append(CultureInfo.InvariantCulture, $"<div><dt>{name}</dt><dd>{ReportText.Html(value)}</dd></div>");
        }

        text.Append("</dl>");
        foreach (var (title, sentences) in new[] { ("What is protected", guarantee.Protected), ("What is not", guarantee.NotProtected), ("What this rests on", guarantee.Assumptions) })
        {
            text.Append(CultureInfo.InvariantCulture, $"<h3>{title}</h3>").Append(List(sentences));
        }

        return text.Append("<h3>What was sent and kept</h3>").ToString();
    }

    private static IEnumerable<(string Name, string Value)> Numbers(Guarantee guarantee)
    {
        yield return ("Holds against", guarantee.Observer);
        yield return ("Trusted", string.Join(", ", guarantee.TrustedParties));
        yield return ("Adjacency", guarantee.Adjacency);
        yield return ("Mechanism", guarantee.Mechanism);
        yield return ("Clipping norm C", HumanUnits.Score(guarantee.ClipNorm));
        yield return ("Noise multiplier z = σ/C", HumanUnits.Score(guarantee.NoiseMultiplier));
        yield return ("δ", HumanUnits.Score(guarantee.Delta));
        if (guarantee.FilterEpsilon is { } filter)
        {
            var by = guarantee.Alpha is { } alpha ? $"at order α = {HumanUnits.Score(alpha)}" : "from ρ of zCDP";
            yield return ("ε by the ledger’s filter", $"{HumanUnits.Score(filter)} {by}, of the client that spent most");
        }

        if (guarantee.PldEpsilon is { } pld)
        {
            yield return ("ε for the fixed schedule", $"{HumanUnits.Score(pld)}, certified by its privacy loss distribution");
        }

        if (guarantee.PublicEpsilon is { } seen)
        {
            yield return ("ε against those who see models alone", $"{HumanUnits.Score(seen)}, for the fixed schedule");
        }

        var stated = guarantee.BudgetRho is { } rho ? $"ρ = {HumanUnits.Score(rho)}, " : "";
        yield return ("Budget", guarantee.BudgetEpsilon is { } budget
            ? $"{stated}ε = {HumanUnits.Score(budget)}; the least that is left to a client is {HumanUnits.Share(guarantee.LeastLeft)}"
            : "none is set");
    }

    private static IEnumerable<string> Facts(RunSpec run)
    {
        yield return (run.Privacy.IsPrivate
                ? $"Clients sent their updates as the mode says, and the numbers of {(run.Data.PrivacyUnitColumn is null ? "examples" : "privacy units")} they had declared. "
                : $"Clients sent their updates, their numbers of examples{(run.Evaluation.Federated ? ", sums of their validation scores" : "")} and the time they trained for. ")
            + "Training examples themselves were not sent.";
        yield return run.KeepUpdates == KeepUpdates.All
            ? "The Aggregator keeps every update after its round."
            : "The Aggregator deletes updates once their round is final.";
        yield return run.Privacy.Mode switch
        {
            PrivacyMode.None => "In the privacy ledger every task of this run counts as unbounded.",
            PrivacyMode.Example => "In the privacy ledger every task of this run counts as unbounded for the client as a whole.",
            _ => run.Data.PrivacyUnitColumn is null
                ? "In the privacy ledger every task of this run is charged for a single example too."
                : $"In the privacy ledger every task of this run is charged for {Guarantees.UnitText(PrivacyUnit.Example, run.Data)} too.",
        };
        if (run.Selection.CloseOnTarget)
        {
            yield return "Rounds closed on the first reports that were enough: which updates were admitted depends on timing, and the same run file may give another model.";
        }
    }

    private static string List(IEnumerable<string> sentences) =>
        $"<ul>{string.Concat(sentences.Select(sentence => $"<li>{ReportText.Html(sentence)}</li>"))}</ul>";
}
