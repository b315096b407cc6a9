using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Services;
using FlEvents.Explorer.Tests.Worlds;
using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.Explorer.Tests.Moves;

/// <summary>What may happen in a world, and the world after it.</summary>
internal sealed class Transitions(Scenario scenario)
{
    private readonly IReadOnlyList<Guid> _reservations = scenario.Reservations;
    private Settling Settling => field ??= new Settling(this);

    public Scenario Scenario => scenario;

    /// <summary>Every round that may ever be: run and number in order.</summary>
    public IReadOnlyList<Guid> Rounds { get; } = RoundsOf(scenario);

    public Mail Mail { get; } = new();

    public OrchestratorPart Orchestrator => field ??= new OrchestratorPart(scenario, Mail);

    public AggregatorPart Aggregator => field ??= new AggregatorPart(Mail);

    public AccountantPart Accountant => field ??= new AccountantPart(scenario, Mail);

    public WorkerPart Workers => field ??= new WorkerPart(scenario, Mail);

    /// <summary>Every run was created just now.</summary>
    public World Begin()
    {
        var (rows, sent) = Orchestrator.Begin();
        var worker = Workers.Begin();
        return new World(rows, Aggregator.Begin(), Accountant.Begin(), worker, worker, sent, scenario.Duplicates > 0 ? sent : Bags.Empty, default);
    }

    /// <summary>What may happen next; some of it may turn out to change nothing.</summary>
    public void Find(World world, List<Move> moves)
    {
        moves.Clear();
        FindDeliveries(world, moves);
        FindWork(world, 0, moves);
        FindWork(world, 1, moves);
        FindAggregations(world, moves);
        moves.Add(new Move(MoveKind.Tick));
        if (world.Faults.LostLease > 0)
        {
            moves.Add(new Move(MoveKind.EndLease, world.Faults.LostLease - 1));
        }

        if (world.Faults.Expiries < scenario.Expiries)
        {
            moves.Add(new Move(MoveKind.PassDeadline));
        }
    }

    /// <returns>The world after the move; null when it can't happen or changes nothing.</returns>
    public World? Make(World world, Move move)
    {
        var after = move.Kind switch
        {
            MoveKind.Deliver => Deliver(world, move.Subject, move.Worker, remove: true),
            MoveKind.Upload => Upload(world, move, isHeard: true),
            MoveKind.UploadUnheard => Upload(world, move, isHeard: false),
            MoveKind.AskAndUpload => AskAndUpload(world, move),
            MoveKind.Ask => Ask(world, move),
            MoveKind.GiveUp => AtWorker(world, move.Worker, Workers.Fail(world.Worker(move.Worker), move.Subject)),
            MoveKind.GiveUpLost => AtWorker(world, move.Worker, Workers.Lose(world.Worker(move.Worker), move.Subject)),
            MoveKind.Combine => AtAggregator(world, Aggregator.Combine(world.Aggregator, Rounds[move.Subject], move.Subject)),
            MoveKind.Name => AtAggregator(world, Aggregator.Name(world.Aggregator, Rounds[move.Subject], move.Subject)),
            MoveKind.Tick => AtOrchestrator(world, Orchestrator.Tick(world.Orchestrator, world.Faults.Clock)),
            MoveKind.EndLease => AtOrchestrator(world, Orchestrator.EndLease(world.Orchestrator, move.Subject, world.Faults.Clock)),
            MoveKind.Wait => world with { Faults = world.Faults with { Clock = (byte)(world.Faults.Clock + 1) } },
            _ => Suffer(world, move),
        };
        var settled = Settling.Settle(after);
        return settled == world ? null : settled;
    }

    private World Suffer(World world, Move move)
    {
        var faults = world.Faults;
        var worker = world.Worker(move.Worker);
        return move.Kind switch
        {
            MoveKind.SendAgain => Count(world, Deliver(world, move.Subject, move.Worker, remove: false), faults with { Duplicates = (byte)(faults.Duplicates + 1) }),
            MoveKind.TakeAndDie => Count(world, TakeAndDie(world, move), faults with { WorkerCrashes = (byte)(faults.WorkerCrashes + 1) }),
            MoveKind.Stop => Count(world, AtWorker(world, move.Worker, Workers.Stop(worker)), faults with { WorkerCrashes = (byte)(faults.WorkerCrashes + 1) }),
            MoveKind.AggregatorDies => Count(world, AtAggregator(world, Aggregator.Die(world.Aggregator)), faults with { AggregatorCrashes = (byte)(faults.AggregatorCrashes + 1) }),
            MoveKind.StoreAndDie => Count(world, StoreAndDie(world, move), faults with { AggregatorCrashes = (byte)(faults.AggregatorCrashes + 1) }),
            MoveKind.OfferAndDie => Count(world, OfferAndDie(world, move), faults with { AggregatorCrashes = (byte)(faults.AggregatorCrashes + 1) }),
            MoveKind.OpenModelAndDie => Count(
                world, AtAggregator(world, Aggregator.OpenModelAndDie(world.Aggregator, move.Subject)), faults with { AggregatorCrashes = (byte)(faults.AggregatorCrashes + 1) }),
            MoveKind.LoseLease => world with { Faults = faults with { Expiries = (byte)(faults.Expiries + 1), LostLease = (byte)(move.Subject + 1) } },
            MoveKind.PassDeadline when HasDeadline(world) => world with { Faults = faults with { Expiries = (byte)(faults.Expiries + 1), Clock = (byte)(faults.Clock + 1) } },
            _ => world,
        };
    }

    // A fault that changes nothing costs nothing, and once the last duplicate has happened nothing depends on what was ever sent.
    private World Count(World before, World after, Faults faults) => Settling.Settle(after) == before
        ? before
        : after with { Faults = faults, Sent = faults.Duplicates < scenario.Duplicates ? after.Sent : Bags.Empty };

    private bool HasDeadline(World world) =>
        Orchestrator.Rows[world.Orchestrator].Rounds.Values.Any(round => round.IsCollecting && round.DeadlineAt > Scenario.Now(world.Faults.Clock));

    private void FindDeliveries(World world, List<Move> moves)
    {
        var last = -1;
        foreach (var message in Mail.Bags[world.Pending])
        {
            if (message != last)
            {
                FindDelivery(world, message, MoveKind.Deliver, moves);
                last = message;
            }
        }

        if (world.Faults.Duplicates < scenario.Duplicates)
        {
            foreach (var message in Mail.Bags[world.Sent])
            {
                FindDelivery(world, message, MoveKind.SendAgain, moves);
            }
        }
    }

    private void FindDelivery(World world, int message, MoveKind kind, List<Move> moves)
    {
        moves.Add(new Move(kind, message));
        if (Mail.Messages[message].Message is TrainClient command)
        {
            // A pool's workers are alike: the one that takes a task first is the first. Those of silos can be told apart by their tasks alone.
            var isKnown = scenario.IsPool && (command.LeaseNumber > 1 || Workers.Rows[world.WorkerA].Tasks.ContainsKey(command.ReservationId));
            if (isKnown)
            {
                moves.Add(new Move(kind, message, worker: 1));
            }

            if (kind == MoveKind.Deliver && world.Faults.WorkerCrashes < scenario.WorkerCrashes)
            {
                moves.Add(new Move(MoveKind.TakeAndDie, message));
                if (isKnown)
                {
                    moves.Add(new Move(MoveKind.TakeAndDie, message, worker: 1));
                }
            }
        }
        else if (kind == MoveKind.Deliver && Mail.Messages[message].Message is BudgetCommitted && world.Faults.AggregatorCrashes < scenario.AggregatorCrashes)
        {
            moves.Add(new Move(MoveKind.OpenModelAndDie, message));
        }
    }

    private void FindWork(World world, int worker, List<Move> moves)
    {
        var rows = Workers.Rows[world.Worker(worker)];
        for (var reservation = 0; reservation < _reservations.Count; reservation++)
        {
            var need = WorkerPart.NeedOf(rows, _reservations[reservation]);
            if (need == Need.Nothing)
            {
                continue;
            }

            moves.Add(new Move(need == Need.Upload ? MoveKind.Upload : MoveKind.Ask, reservation, worker));
            if (need == Need.Upload)
            {
                moves.Add(new Move(MoveKind.UploadUnheard, reservation, worker));
                moves.Add(new Move(MoveKind.AskAndUpload, reservation, worker));
                if (world.Faults.AggregatorCrashes < scenario.AggregatorCrashes)
                {
                    moves.Add(new Move(MoveKind.OfferAndDie, reservation, worker));
                    moves.Add(new Move(MoveKind.StoreAndDie, reservation, worker));
                }
            }

            FindTrouble(world, reservation, worker, rows.Tasks[_reservations[reservation]].Command, moves);
        }

        if (world.Faults.WorkerCrashes < scenario.WorkerCrashes)
        {
            moves.Add(new Move(MoveKind.Stop, 0, worker));
        }
    }

    private void FindTrouble(World world, int reservation, int worker, TrainClient command, List<Move> moves)
    {
        if (Scenario.Now(world.Faults.Clock) >= command.DeadlineAt)
        {
            moves.Add(new Move(MoveKind.GiveUp, reservation, worker));
        }

        if (world.Faults.LostLease == reservation + 1 && command.LeaseNumber == 1)
        {
            moves.Add(new Move(MoveKind.GiveUpLost, reservation, worker));
        }

        if (world.Faults.Expiries < scenario.Expiries && command.LeaseNumber == 1)
        {
            moves.Add(new Move(MoveKind.LoseLease, reservation));
        }
    }

    private void FindAggregations(World world, List<Move> moves)
    {
        var rows = Aggregator.Rows[world.Aggregator];
        for (var round = 0; round < Rounds.Count; round++)
        {
            if (rows.Books.GetValueOrDefault(Rounds[round]) is { } book)
            {
                if (rows.InHand.ContainsKey(book.RoundId))
                {
                    moves.Add(new Move(MoveKind.Name, round));
                }
                else if (book.State == BookState.Frozen)
                {
                    moves.Add(new Move(MoveKind.Combine, round));
                }
            }
        }

        if (world.Faults.AggregatorCrashes < scenario.AggregatorCrashes)
        {
            moves.Add(new Move(MoveKind.AggregatorDies));
        }
    }

    private World Deliver(World world, int message, int worker, bool remove)
    {
        var from = remove ? message : -1;
        return Mail.Messages[message].Queue switch
        {
            Routes.Orchestrator => AtOrchestrator(world, Orchestrator.Take(world.Orchestrator, message, world.Faults.Clock), from),
            Routes.Aggregator => AtAggregator(world, Aggregator.Take(world.Aggregator, message), from),
            Routes.PrivacyAccountant => AtAccountant(world, Accountant.Take(world.Accountant, message), from),
            _ => AtWorker(world, worker, Workers.Take(world.Worker(worker), message, world.Faults.Clock), from),
        };
    }

    // The command stays in its queue, for whichever worker is next.
    private World TakeAndDie(World world, Move move) => Deliver(world, move.Subject, move.Worker, remove: false);

    private World Upload(World world, Move move, bool isHeard)
    {
        var (trained, put) = Train(world, move);
        if (put < 0)
        {
            return trained;
        }

        var outcome = Aggregator.Store(world.Aggregator, put);
        return outcome.Answer == Answer.Unknown ? world
            : isHeard ? Hear(AtAggregator(trained, outcome), move, outcome.Answer)
            : AtAggregator(trained, outcome);
    }

    // Only what differs from a plain upload: it is told that an update is there.
    private World AskAndUpload(World world, Move move)
    {
        var (trained, put) = Train(world, move);
        var answer = put < 0 ? Answer.Unknown : Aggregator.Ask(world.Aggregator, put).Answer;
        return answer is Answer.Stored or Answer.Conflict ? Hear(trained, move, answer) : world;
    }

    private World Ask(World world, Move move)
    {
        var put = Aggregator.PutOf(WorkerPart.PutOf(Workers.Rows[world.Worker(move.Worker)], _reservations[move.Subject]));
        var answer = Aggregator.Ask(world.Aggregator, put).Answer;
        return answer == Answer.None ? Upload(world, move, isHeard: true) : answer == Answer.Unknown ? world : Hear(world, move, answer);
    }

    // The worker's connection breaks: it will try again.
    private World StoreAndDie(World world, Move move)
    {
        var (trained, put) = Train(world, move);
        return put < 0 ? world : AtAggregator(trained, Aggregator.StoreAndDie(world.Aggregator, put));
    }

    private World OfferAndDie(World world, Move move)
    {
        var (trained, put) = Train(world, move);
        return put < 0 ? world : AtAggregator(trained, Aggregator.OfferAndDie(world.Aggregator, put));
    }

    /// <returns>The world in which the task is trained, and what is to be sent then; negative when nothing is, because the task has failed.</returns>
    private (World World, int Put) Train(World world, Move move)
    {
        var trained = AtWorker(world, move.Worker, Workers.Train(world.Worker(move.Worker), move.Worker, move.Subject));
        var rows = Workers.Rows[trained.Worker(move.Worker)];
        return (trained, rows.Tasks[_reservations[move.Subject]].IsEnded ? -1 : Aggregator.PutOf(WorkerPart.PutOf(rows, _reservations[move.Subject])));
    }

    private World Hear(World world, Move move, Answer answer) => AtWorker(
        world,
        move.Worker,
        answer == Answer.Stored ? Workers.Announce(world.Worker(move.Worker), move.Subject) : Workers.Fail(world.Worker(move.Worker), move.Subject));

    private World AtOrchestrator(World world, Outcome outcome, int taken = -1) => Send(world with { Orchestrator = outcome.Rows }, outcome.Sent, taken);

    private World AtAggregator(World world, Outcome outcome, int taken = -1) => Send(world with { Aggregator = outcome.Rows }, outcome.Sent, taken);

    private World AtAccountant(World world, Outcome outcome, int taken = -1) => Send(world with { Accountant = outcome.Rows }, outcome.Sent, taken);

    private World AtWorker(World world, int worker, Outcome outcome, int taken = -1) => Send(world.WithWorker(worker, outcome.Rows), outcome.Sent, taken);

    private World Send(World world, int sent, int taken) => sent == Bags.Empty && taken < 0 ? world : world with
    {
        Pending = Mail.Bags.Change(world.Pending, taken, sent),
        Sent = world.Faults.Duplicates < scenario.Duplicates ? Mail.Bags.Unite(world.Sent, sent) : Bags.Empty,
    };

    private static List<Guid> RoundsOf(Scenario scenario) =>
    [
        .. from run in Enumerable.Range(0, scenario.Runs.Count)
           from round in Enumerable.Range(1, scenario.Runs[run].Rounds)
           select ReservationId.OfRound(Scenario.RunId(run), round),
    ];
}
