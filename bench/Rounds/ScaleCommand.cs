using System.CommandLine;
using System.Globalization;
using FlEvents.Orchestrator.Api;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;

namespace FlEvents.Bench.Rounds;

/// <summary><c>scale</c>: clients trained per minute with more and more worker processes on RabbitMQ, and with workers that come and go.</summary>
public static class ScaleCommand
{
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds that count, at least 3; one more is the warm-up.", DefaultValueFactory = _ => 5 };
    private static readonly Option<int> Clients = new("--clients") { Description = "Clients, all in every round.", DefaultValueFactory = _ => 16 };
    private static readonly Option<int> Epochs = new("--epochs") { Description = "Local epochs: what a training takes grows with them.", DefaultValueFactory = _ => 40 };
    private static readonly Option<int[]> Workers = new("--workers")
    {
        Description = "Worker processes, with one slot each; the first is what the others are compared with.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [1, 2, 4],
    };

    public static Command Create()
    {
        var command = new Command("scale", "Measures horizontal scale: the same run with more and more worker processes.") { Rounds, Clients, Epochs, Workers };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private static async Task<int> ExecuteAsync(ParseResult options, CancellationToken cancellationToken)
    {
        using var folder = new TemporaryFolder();
        var file = TrainingRun.Create(
            folder, RoundsCommand.AtLeast(3, options, Rounds) + 1, RoundsCommand.AtLeast(1, options, Clients), RoundsCommand.AtLeast(1, options, Epochs));
        Console.WriteLine($"{file.Simulation.Clients} clients in each of {file.Run.Rounds - 1} rounds; {Measurement.Machine}");
        Result? first = null;
        foreach (var workers in options.GetValue(Workers)!)
        {
            var result = await RunAsync(file, folder.File($"state-{workers}"), workers, churn: false, cancellationToken);
            first ??= result;
            Write($"{workers} workers: {Say(result, first)}");
        }

        var churned = await RunAsync(file, folder.File("state-churn"), workers: 2, churn: true, cancellationToken);
        Write($"2 workers; in round 2 one is killed, in round 3 two are added, in round 4 one is killed: {Say(churned, first!)}");
        return 0;
    }

    private static async Task<Result> RunAsync(RunFile file, string state, int workers, bool churn, CancellationToken cancellationToken)
    {
        await using var deployment = await SeparateProcesses.StartAsync(file, state, Durability.Power, workers, slots: 1, cancellationToken);
        var changes = new Dictionary<int, Task>();
        var rounds = await deployment.RunAsync(
            file.Run,
            round =>
            {
                if (churn && !changes.ContainsKey(round))
                {
                    changes[round] = ChangeAsync(deployment, round, cancellationToken);
                }
            },
            cancellationToken);
        await Task.WhenAll(changes.Values);
        if (rounds.FirstOrDefault(round => round.State != RoundState.Done || round.UpdatesAdmitted != file.Simulation.Clients) is { } bad)
        {
            throw new InvalidOperationException($"Round {bad.Round} is {bad.State} with {bad.UpdatesAdmitted} of {file.Simulation.Clients} updates: {bad.Reason}");
        }

        var ends = rounds.Select(round => round.StartedAt.AddMilliseconds(round.DurationMs!.Value)).ToList();
        return new Result(rounds.Skip(1).Sum(round => round.UpdatesAdmitted) / (ends[^1] - ends[0]).TotalMinutes, rounds[^1].ModelSha256!);
    }

    private static Task ChangeAsync(SeparateProcesses deployment, int round, CancellationToken cancellationToken) => round switch
    {
        2 or 4 => deployment.KillWorkerAsync(),
        3 => Task.WhenAll(deployment.StartWorkerAsync(slots: 1, cancellationToken), deployment.StartWorkerAsync(slots: 1, cancellationToken)),
        _ => Task.CompletedTask,
    };

    private static FormattableString Say(Result result, Result first) =>
        $"{result.ClientsPerMinute:0} clients a minute, {result.ClientsPerMinute / first.ClientsPerMinute:0.00} times the first; {(result.ModelSha256 == first.ModelSha256 ? "the same" : "ANOTHER")} model, {result.ModelSha256[..12]}";

    private static void Write(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private sealed record Result(double ClientsPerMinute, string ModelSha256);
}
