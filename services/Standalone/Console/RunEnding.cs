using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.Report;

namespace FlEvents.Standalone.Console;

/// <summary>The few lines that a run ends with: how it ended, how good the model is, and where it is.</summary>
public static class RunEnding
{
    /// <summary>Writes the lines.</summary>
    /// <param name="output">The console's writer.</param>
    /// <param name="summary">The run in figures.</param>
    /// <param name="files">Files that were written, as they are to be shown.</param>
    public static void Write(TextWriter output, SummaryFile summary, IEnumerable<string> files)
    {
        foreach (var line in Lines(summary, files))
        {
            output.WriteLine(line);
        }
    }

    private static IEnumerable<string> Lines(SummaryFile summary, IEnumerable<string> files)
    {
        var done = summary.Rounds.Count(round => round.State == RoundState.Done);
        yield return "";
        yield return $"Run       {StateNames.Of(summary.State)}: {done} of {summary.Run.Rounds} rounds in {HumanUnits.Duration(summary.WallSeconds)}";
        if (summary.Reason is { } reason)
        {
            yield return $"Reason    {SpecText.Plain(reason, 200)}";
        }

        if (summary.Final is { } final)
        {
            var source = summary.ScoredOn == ScoreSource.Clients ? "clients' validation data" : "held-out data";
            var basis = $"{source}, {HumanUnits.Count(final.ExampleCount)} examples, after round {final.Round}";
            if (final.Accuracy is { } accuracy)
            {
                yield return $"Accuracy  {HumanUnits.Share(accuracy)} ({basis})";
            }

            if (final.MeanAbsoluteError is { } error)
            {
                yield return $"Error     {HumanUnits.Score(error)} mean absolute ({basis})";
            }

            yield return $"Loss      {HumanUnits.Score(final.Loss)}";
        }

        yield return $"Privacy   {Privacy(summary.Guarantee)}";

        yield return $"Model     {summary.ModelSha256 ?? "none"}";
        foreach (var (index, file) in files.Index())
        {
            yield return $"{(index == 0 ? "Files" : ""),-10}{file}";
        }
    }

    private static string Privacy(Guarantee? guarantee)
    {
        if (guarantee is null)
        {
            return "no guarantee";
        }

        var spent = guarantee.FilterEpsilon is { } filter
            ? $"ε = {HumanUnits.Score(filter)} at δ = {HumanUnits.Score(guarantee.Delta)}{(guarantee.PldEpsilon is { } pld ? $", {HumanUnits.Score(pld)} for the fixed schedule" : "")}"
            : "nothing bounded is charged";
        var budget = guarantee.BudgetRho is { } rho ? $"ρ = {HumanUnits.Score(rho)}" : $"ε = {HumanUnits.Score(guarantee.BudgetEpsilon)}";
        var left = guarantee is { BudgetEpsilon: not null, LeastLeft: { } share } ? $"; {HumanUnits.Share(share)} left of {budget}" : "";
        return $"for {SpecText.Plain(guarantee.UnitText)}, against {guarantee.Observer.Split(',')[0]}: {spent}{left}";
    }
}
