using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;

namespace FlEvents.Orchestrator.Runs;

/// <summary>What an event does to a run, and what is sent because of it.</summary>
public record RunDecision(Run Run, IReadOnlyList<object> Messages)
{
    public static RunDecision Nothing(Run run) => new(run, []);
}

/// <summary>The run as a pure function of its row and an event; final states never change.</summary>
public static class RunProtocol
{
    /// <summary>The initial weights are there.</summary>
    public static RunDecision OnModelPublished(Run run, ModelPublished message) => run.State != RunState.Preparing || message.Version != 0
        ? RunDecision.Nothing(run)
        : new(run with { Model = message.Model, ModelVersion = 0, ParameterCount = message.ParameterCount }, []);

    public static RunDecision OnModelRefused(Run run, ModelRefused message) => run.State != RunState.Preparing
        ? RunDecision.Nothing(run)
        : End(run, RunState.Abandoned, message.Reason);

    /// <summary>A round begins: from here the run is running.</summary>
    public static Run OnRoundPlanned(Run run, int number) => run with { State = RunState.Running, Round = number };

    /// <summary>Takes over what a round that has ended brought. Whether the run ends with it is <see cref="OnIdle"/>'s to say.</summary>
    public static Run OnRoundEnded(Run run, Round round) => round.State switch
    {
        _ when run.IsFinal || round.Number <= run.EndedRound => run,
        RoundState.Done => run with { EndedRound = round.Number, Model = round.Model, ModelVersion = round.Number, AbandonedInRow = 0 },
        RoundState.Abandoned => run with { EndedRound = round.Number, AbandonedInRow = run.AbandonedInRow + 1, Reason = round.Reason },
        _ => run,
    };

    /// <summary>No round is open and no evaluation is awaited: the run ends here, or goes on.</summary>
    /// <param name="eligible">Clients that are there and have budget left.</param>
    /// <param name="exhausted">Clients whose budget was found spent in this run, or that had their rounds.</param>
    public static RunDecision OnIdle(Run run, int eligible, int exhausted) => run switch
    {
        { IsFinal: true } => RunDecision.Nothing(run),
        { StopRequested: true } => End(run, RunState.Stopped, "The run was stopped."),

        // Also when its rounds are over: the last of them ended for want of budget.
        _ when (run.AbandonedInRow > 0 || run.Round < run.Spec.Rounds) && exhausted > 0 && eligible < Needed(run) && eligible + exhausted >= Needed(run) =>
            End(run, RunState.BudgetExhausted, $"{eligible} clients have privacy budget{(run.Spec.Privacy.Central?.RoundsPerClient is null ? "" : " and rounds")} left; a round needs {Needed(run)}."),
        _ when run.AbandonedInRow >= run.Spec.Selection.MaximumAbandonedRounds =>
            End(run, RunState.Abandoned, $"{run.AbandonedInRow} rounds in a row were abandoned; the last: {run.Reason}"),
        _ when run.Round < run.Spec.Rounds => RunDecision.Nothing(run),
        { ModelVersion: 0 } => End(run, RunState.Abandoned, $"No round was completed; the last: {run.Reason}"),
        _ => End(run, RunState.Completed, reason: null),
    };

    public static RunDecision OnPause(Run run) => run.State is RunState.Preparing or RunState.Running
        ? new(run with { State = RunState.Paused }, [])
        : RunDecision.Nothing(run);

    public static RunDecision OnResume(Run run) => run.State != RunState.Paused
        ? RunDecision.Nothing(run)
        : new(run with { State = run.Round > 0 ? RunState.Running : RunState.Preparing }, []);

    public static Run OnStop(Run run) => run.IsFinal ? run : run with { StopRequested = true };

    private static int Needed(Run run) => Math.Max(run.Spec.Selection.MinimumClients, run.Spec.Selection.MinimumReports);

    private static RunDecision End(Run run, RunState state, string? reason)
    {
        var outcome = state switch
        {
            RunState.Completed => RunOutcome.Completed,
            RunState.Stopped => RunOutcome.Stopped,
            RunState.BudgetExhausted => RunOutcome.BudgetExhausted,
            _ => RunOutcome.Abandoned,
        };
        return new(
            run with { State = state, Reason = reason },
            [new RunCompleted { RunId = run.RunId, Outcome = outcome, Reason = reason, Model = run.ModelVersion > 0 ? run.Model : null }]);
    }
}
