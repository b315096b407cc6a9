using System.CommandLine;
using System.Globalization;
using FlEvents.Orchestrator.Api;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Testing;

namespace FlEvents.Bench.Rounds;

/// <summary><c>rounds</c>: how long a round takes when there is next to nothing to compute.</summary>
public static class RoundsCommand
{
    private static readonly Option<Transport> Transport = new("--transport")
    {
        Description = "memory: one process, as `flevents run`; rabbitmq: a process for each service, and a broker.",
        DefaultValueFactory = _ => ServiceDefaults.Messaging.Transport.Memory,
    };

    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds that count.", DefaultValueFactory = _ => 100 };
    private static readonly Option<int> WarmUp = new("--warm-up") { Description = "Rounds before them.", DefaultValueFactory = _ => 30 };
    private static readonly Option<int> Clients = new("--clients") { Description = "Clients, all in every round.", DefaultValueFactory = _ => 10 };
    private static readonly Option<int?> Workers = new("--workers") { Description = "Clients that train at the same time. [default: the processors]" };
    private static readonly Option<Durability?> Durability = new("--durability")
    {
        Description = "process, or power with rabbitmq. [default: process in memory, power with rabbitmq]",
    };

    private static readonly Option<bool> Timeline = new("--timeline") { Description = "Also prints when each message of a round was sent and received." };

    public static Command Create()
    {
        var command = new Command("rounds", "Measures rounds of a model of 1,000 parameters.") { Transport, Rounds, WarmUp, Clients, Workers, Durability, Timeline };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private static async Task<int> ExecuteAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var (rounds, warmUp, clients) = (AtLeast(1, options, Rounds), AtLeast(1, options, WarmUp), AtLeast(1, options, Clients));
        var inMemory = options.GetValue(Transport) == ServiceDefaults.Messaging.Transport.Memory;
        var durability = options.GetValue(Durability)
            ?? (inMemory ? ServiceDefaults.Storage.Durability.Process : ServiceDefaults.Storage.Durability.Power);
        if (inMemory && durability != ServiceDefaults.Storage.Durability.Process)
        {
            throw new InvalidDataException($"--durability is {durability}: in one process it is process always.");
        }

        using var folder = new TemporaryFolder();
        var state = folder.File("state");
        var file = SmallRun.Create(folder, warmUp + rounds, clients, options.GetValue(Workers));
        IReadOnlyList<RoundView> views;
        var processors = new ProcessorTime(fromRound: warmUp + 1);
        Console.WriteLine($"{(inMemory ? "one process, in memory" : "separate processes, RabbitMQ")}, durability {durability}, {clients} clients, {file.Simulation.Slots(Environment.ProcessorCount)} at a time; {Measurement.Machine}");
        await using (IDeployment deployment = inMemory
            ? await OneProcess.StartAsync(file, state, cancellationToken)
            : await SeparateProcesses.StartAsync(file, state, durability, workers: 1, file.Simulation.Slots(Environment.ProcessorCount), cancellationToken))
        {
            if (options.GetValue(Timeline))
            {
                MessageTimeline.Attach(state);
            }

            views = await deployment.RunAsync(file.Run, processors.OnRound, cancellationToken);
        }

        Show(views, warmUp, clients);
        if (processors.PerRound is { } cost)
        {
            Write($"processor time a round: {cost.ServicesMs:0.0} ms of the services, {cost.BrokerMs:0.0} ms of the broker");
        }

        if (options.GetValue(Timeline))
        {
            Show(MessageTimeline.Read(state, views.Skip(warmUp).ToDictionary(round => round.Round, round => round.StartedAt)));
        }

        return 0;
    }

    private static void Show(IReadOnlyList<RoundView> rounds, int warmUp, int clients)
    {
        if (rounds.FirstOrDefault(round => round.State != RoundState.Done || round.UpdatesAdmitted != clients) is { } short_)
        {
            throw new InvalidOperationException($"Round {short_.Round} is {short_.State} with {short_.UpdatesAdmitted} of {clients} updates: {short_.Reason}");
        }

        var ends = rounds.Select(round => round.StartedAt.AddMilliseconds(round.DurationMs!.Value)).ToList();
        var between = ends.Zip(ends.Skip(1), (before, after) => (after - before).TotalMilliseconds).Skip(warmUp - 1).ToList();
        var own = rounds.Skip(warmUp).Select(round => round.DurationMs!.Value).ToList();
        var tenths = between.Chunk(Math.Max(1, between.Count / 10)).Select(part => Measurement.Quantile(part, 0.5)).ToList();
        Write($"between ends of rounds: median {Measurement.Quantile(between, 0.5):0.0} ms, 95th percentile {Measurement.Quantile(between, 0.95):0.0} ms ({between.Count} rounds)");
        Write($"best and worst median of {between.Count / Math.Max(1, tenths.Count)} rounds in a row: {tenths.Min():0.0} and {tenths.Max():0.0} ms");
        Write($"of a round by itself: median {Measurement.Quantile(own, 0.5):0.0} ms, 95th percentile {Measurement.Quantile(own, 0.95):0.0} ms");
        Write($"a round: {rounds[^1].BytesDown} bytes of models down, {rounds[^1].BytesUp} bytes of updates up; {Measurement.Machine} at the end");
    }

    private static void Show(IReadOnlyList<TimelineLine> lines)
    {
        Console.WriteLine("ms after the round's start, medians over rounds; first and last of the messages of a kind");
        Console.WriteLine($"{"message",-18}{"from",-19}{"to",-19}{"number",6}{"created",16}{"noted",9}{"received",16}");
        foreach (var line in lines)
        {
            Write($"{line.Type,-18}{line.From,-19}{line.To,-19}{line.Count,6:0.#}{line.FirstCreated,8:0.0}{line.LastCreated,8:0.0}{line.LastSent,9:0.0}{line.FirstReceived,8:0.0}{line.LastReceived,8:0.0}");
        }
    }

    internal static int AtLeast(int least, ParseResult options, Option<int> option) => options.GetValue(option) is var value && value >= least
        ? value
        : throw new InvalidDataException($"{option.Name} is {value}; expected at least {least}.");

    private static void Write(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
