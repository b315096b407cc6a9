using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Replay;

/// <summary>The lines that tell what a replay has verified.</summary>
public static class ReplayReport
{
    public static void Write(TextWriter output, Replayed replayed)
    {
        foreach (var (name, text) in Lines(replayed))
        {
            output.WriteLine($"{name,-10}{text}");
        }
    }

    private static IEnumerable<(string Name, string Text)> Lines(Replayed replayed)
    {
        var (history, models) = (replayed.History, replayed.Models);
        var (spec, done) = (history.Created!.Run, history.AggregatedRounds.Count());
        yield return ("Run", $"{SpecText.Plain(spec.Name)}, {Outcome(history.Ended!.Outcome)}: {done} of {spec.Rounds} rounds aggregated, {history.Rounds.Count - done} abandoned");
        yield return ("Records", $"{HumanUnits.Count(replayed.Head.Sequence)}, each as it was written; the last is {(replayed.Anchor is { } file ? $"named by {Path.GetFileName(file)}" : $"{nameof(RunCompleted)}, and no file beside the log names it")}");
        yield return ("", $"head {replayed.Head.Hash}");
        yield return ("Updates", $"{HumanUnits.Count(history.Rounds.Sum(round => round.Updates.Count))} admitted, of {HumanUnits.Count(history.Rounds.Sum(round => round.Charged.Count()))} tasks that were charged");
        yield return ("Models", Made(models, spec, done));
        if (models.Compared > 0)
        {
            yield return ("", $"{HumanUnits.Count(models.Compared)} with the bytes that the log names");
        }

        foreach (var line in Charges(replayed, done).Index())
        {
            yield return (line.Index == 0 ? "Charges" : "", line.Item);
        }

        yield return ("Model", history.Model is { } model ? $"{model.Sha256}{(done > 0 && !models.HasUpdates ? ", as its bytes and its round say" : ", made again")}" : "none");
    }

    private static string Made(ModelReplay models, RunSpec spec, int rounds) =>
        rounds > 0 && models.HasUpdates ? $"{HumanUnits.Count(models.Made)} made again, from seed {spec.Seed} and {HumanUnits.Count(models.Updates)} updates"
        : $"{(models.Made > 0 ? $"the initial one made again, from seed {spec.Seed}" : "none")}"
            + (rounds == 0 ? "" : spec.Privacy.IsPrivate ? "; the others can't be: noise is never kept" : "; the others can't be: the run kept no updates (keepUpdates: all)");

    private static IEnumerable<string> Charges(Replayed replayed, int done)
    {
        if (replayed.Charges is not { } charges)
        {
            yield return $"{HumanUnits.Count(done)} receipts in order; no ledger lies with the log";
            yield break;
        }

        yield return $"{HumanUnits.Count(charges.Committed)} final, of {HumanUnits.Count(charges.Tasks)} tasks in both units: those of the ledger, each final before its model";
        if (charges.Refunded + charges.Further > 0)
        {
            yield return $"{HumanUnits.Count(charges.Refunded)} given back, {HumanUnits.Count(charges.Further)} more for outputs that came again";
        }

        yield return $"ledger {replayed.Ledger}";
    }

    private static string Outcome(RunOutcome outcome) => outcome == RunOutcome.BudgetExhausted ? "budget exhausted" : SpecKeys.Names(typeof(RunOutcome))[(int)outcome];
}
