using System.Globalization;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.Console;

/// <summary>The lines in which a run's progress is told: the same on a terminal and in a log file.</summary>
internal static class ProgressLines
{
    private const int BarWidth = 30;

    public static string Heading(RunSpec spec) => Row("Round", ScoreHeading(spec), "Loss", "Clients", "Down", "Up", "Time");

    /// <summary>A round that is over.</summary>
    public static string Finished(RoundView round, RunSpec spec)
    {
        var number = round.Round.ToString(CultureInfo.InvariantCulture);
        if (round.State == RoundState.Abandoned)
        {
            return $"{number,7}  abandoned: {SpecText.Plain(round.Reason ?? "no reason given", 200)}";
        }

        var (held, clients) = (round.Evaluation, round.FederatedEvaluation);
        var score = spec.Training.Loss == LossKind.MeanSquaredError
            ? HumanUnits.Score(held is null ? clients?.MeanAbsoluteError : held.MeanAbsoluteError)
            : HumanUnits.Share(held is null ? clients?.Accuracy : held.Accuracy);
        return Row(
            number,
            score,
            HumanUnits.Score(held?.Loss ?? clients?.Loss),
            string.Create(CultureInfo.InvariantCulture, $"{round.UpdatesAdmitted}/{round.ClientsSelected}"),
            HumanUnits.Bytes(round.BytesDown),
            HumanUnits.Bytes(round.BytesUp),
            round.DurationMs is { } duration ? HumanUnits.Duration(duration / 1000) : "–");
    }

    /// <summary>A round in progress: a bar of the members that have answered, one way or another.</summary>
    /// <param name="round">The round.</param>
    /// <param name="unicode">Whether the terminal has block characters.</param>
    public static string Open(RoundView round, bool unicode)
    {
        var answered = round.UpdatesAdmitted + round.UpdatesRejected + round.ClientsRefused;
        var filled = round.ClientsSelected == 0 ? 0 : (int)((long)BarWidth * Math.Min(answered, round.ClientsSelected) / round.ClientsSelected);
        var bar = new string(unicode ? '█' : '#', filled) + new string(unicode ? '░' : '.', BarWidth - filled);
        return string.Create(CultureInfo.InvariantCulture, $"{round.Round,7}  {bar}  {answered}/{round.ClientsSelected} {StateNames.Of(round.State)}");
    }

    private static string ScoreHeading(RunSpec spec) => spec.Training.Loss == LossKind.MeanSquaredError ? "Error" : "Accuracy";

    private static string Row(string round, string score, string loss, string clients, string down, string up, string time) =>
        $"{round,7}  {score,9}  {loss,9}  {clients,11}  {down,8}  {up,8}  {time,11}";
}
