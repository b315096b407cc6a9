using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.Console;

/// <summary>States in words for people.</summary>
internal static class StateNames
{
    public static string Of(RunState state) => state == RunState.BudgetExhausted ? "budget exhausted" : SpecKeys.Names(typeof(RunState))[(int)state];

    public static string Of(RoundState state) => SpecKeys.Names(typeof(RoundState))[(int)state];
}
