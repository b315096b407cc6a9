using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Tests.Rounds;

namespace FlEvents.Orchestrator.Tests.Runs;

public class RunProtocolTests
{
    [Fact]
    public void A_run_ends_after_its_last_round_with_its_last_model()
    {
        var run = EndRound(Run(rounds: 1), 1, RoundState.Done);
        var decision = RunProtocol.OnIdle(run, eligible: 5, exhausted: 0);
        Assert.Equal(RunState.Completed, decision.Run.State);
        var completed = Assert.IsType<RunCompleted>(Assert.Single(decision.Messages));
        Assert.Equal((RunOutcome.Completed, Messages.Blob('c')), (completed.Outcome, completed.Model));
    }

    [Fact]
    public void The_end_of_a_round_is_taken_over_once()
    {
        var once = EndRound(Run(rounds: 5), 1, RoundState.Abandoned);
        Assert.Equal(1, once.AbandonedInRow);
        Assert.Same(once, RunProtocol.OnRoundEnded(once, Ended(1, RoundState.Abandoned)));
    }

    [Fact]
    public void Abandoned_rounds_in_a_row_end_the_run_and_a_good_one_starts_the_count_anew()
    {
        var run = Run(rounds: 9, maximumAbandoned: 2);
        run = EndRound(run, 1, RoundState.Abandoned);
        run = EndRound(run, 2, RoundState.Done);
        run = EndRound(run, 3, RoundState.Abandoned);
        Assert.Same(run, RunProtocol.OnIdle(run, eligible: 5, exhausted: 0).Run);
        run = EndRound(run, 4, RoundState.Abandoned);
        var decision = RunProtocol.OnIdle(run, eligible: 5, exhausted: 0);
        Assert.Equal(RunState.Abandoned, decision.Run.State);
        Assert.Equal(Messages.Blob('c'), Assert.IsType<RunCompleted>(Assert.Single(decision.Messages)).Model);
    }

    [Fact]
    public void A_run_without_a_single_good_round_is_abandoned()
    {
        var run = EndRound(Run(rounds: 1), 1, RoundState.Abandoned);
        var decision = RunProtocol.OnIdle(run, eligible: 5, exhausted: 0);
        Assert.Equal(RunState.Abandoned, decision.Run.State);
        Assert.Null(Assert.IsType<RunCompleted>(Assert.Single(decision.Messages)).Model);
    }

    [Fact]
    public void A_stop_ends_the_run_where_it_stands_and_a_final_run_takes_nothing_more()
    {
        var stopped = RunProtocol.OnIdle(RunProtocol.OnStop(EndRound(Run(rounds: 5), 1, RoundState.Done)), eligible: 5, exhausted: 0);
        Assert.Equal(RunState.Stopped, stopped.Run.State);
        Assert.Same(stopped.Run, RunProtocol.OnIdle(stopped.Run, eligible: 5, exhausted: 0).Run);
        Assert.Same(stopped.Run, RunProtocol.OnStop(stopped.Run));
        Assert.Same(stopped.Run, RunProtocol.OnPause(stopped.Run).Run);
        Assert.Same(stopped.Run, RunProtocol.OnRoundEnded(stopped.Run, Ended(2, RoundState.Done)));
    }

    [Fact]
    public void A_paused_run_resumes_where_it_was()
    {
        var running = RunProtocol.OnRoundPlanned(Run(rounds: 5), 1);
        Assert.Equal(RunState.Running, RunProtocol.OnResume(RunProtocol.OnPause(running).Run).Run.State);
        Assert.Equal(RunState.Preparing, RunProtocol.OnResume(RunProtocol.OnPause(Run(rounds: 5)).Run).Run.State);
    }

    [Fact]
    public void Only_the_initial_model_of_a_run_in_preparation_is_taken_from_a_publication()
    {
        var run = Run(rounds: 5) with { Model = null, ModelVersion = null };
        var published = new ModelPublished { RunId = run.RunId, Version = 0, Model = Messages.Blob('e'), ParameterCount = 9, Receipt = null };
        Assert.Equal((Messages.Blob('e'), 0, 9), (RunProtocol.OnModelPublished(run, published).Run.Model, RunProtocol.OnModelPublished(run, published).Run.ModelVersion, RunProtocol.OnModelPublished(run, published).Run.ParameterCount));
        Assert.Same(run, RunProtocol.OnModelPublished(run, published with { Version = 1 }).Run);
    }

    private static Run EndRound(Run run, int number, RoundState state) => RunProtocol.OnRoundEnded(RunProtocol.OnRoundPlanned(run, number), Ended(number, state));

    private static Round Ended(int number, RoundState state) =>
        Messages.Round(1) with { Number = number, State = state, Model = state == RoundState.Done ? Messages.Blob('c') : null, Reason = "…" };

    [Theory]
    [InlineData(1, 0, 2, 3, true)]
    [InlineData(1, 2, 1, 3, false)]
    [InlineData(1, 0, 0, 3, false)]
    [InlineData(1, 0, 1, 3, false)]
    public void A_run_ends_when_too_few_clients_have_budget_left_that_were_enough_with_it(int round, int eligible, int exhausted, int rounds, bool ends)
    {
        var run = Run(rounds) with { State = RunState.Running, Round = round, Spec = Messages.Spec with { Rounds = rounds, Selection = new SelectionSpec { MinimumClients = 2 } } };
        var decision = RunProtocol.OnIdle(run, eligible, exhausted);
        Assert.Equal(ends ? RunState.BudgetExhausted : RunState.Running, decision.Run.State);
        Assert.Equal(ends ? [RunOutcome.BudgetExhausted] : [], decision.Messages.OfType<RunCompleted>().Select(message => message.Outcome));
    }

    [Fact]
    public void The_last_round_too_ends_a_run_for_want_of_budget_unless_it_was_done()
    {
        var run = Run(rounds: 2) with { State = RunState.Running, Round = 2, ModelVersion = 1 };
        Assert.Equal(RunState.BudgetExhausted, RunProtocol.OnIdle(run with { AbandonedInRow = 1 }, eligible: 0, exhausted: 4).Run.State);
        Assert.Equal(RunState.Completed, RunProtocol.OnIdle(run with { ModelVersion = 2 }, eligible: 0, exhausted: 4).Run.State);
    }

    private static Run Run(int rounds, int maximumAbandoned = 3) => new()
    {
        RunId = Messages.RunId,
        State = RunState.Preparing,
        Model = Messages.Blob('b'),
        ModelVersion = 0,
        CreatedAt = Messages.Start,
        Spec = Messages.Spec with { Rounds = rounds, Selection = new SelectionSpec { MaximumAbandonedRounds = maximumAbandoned } },
    };
}
