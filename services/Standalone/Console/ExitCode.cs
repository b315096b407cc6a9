using FlEvents.Orchestrator.Api;

namespace FlEvents.Standalone.Console;

/// <summary>Exit codes of <c>flevents</c>.</summary>
public static class ExitCode
{
    public const int Done = 0;

    /// <summary>Something failed that no other code names.</summary>
    public const int Failed = 1;

    /// <summary>A run file, an option or a file given to a command is wrong.</summary>
    public const int BadInput = 2;

    public const int BudgetExhausted = 3;
    public const int Abandoned = 4;

    /// <summary>The code of a run that has ended, or was left in this state.</summary>
    public static int Of(RunState state) => state switch
    {
        RunState.Completed or RunState.Stopped => Done,
        RunState.BudgetExhausted => BudgetExhausted,
        RunState.Abandoned => Abandoned,
        _ => Failed,
    };
}
