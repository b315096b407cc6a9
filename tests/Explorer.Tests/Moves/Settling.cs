using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;
using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.Explorer.Tests.Moves;

/// <summary>
/// Takes away what nothing can depend on any more, so that worlds that differ in nothing else are one: messages that change nothing, now and
/// later; updates of rounds that are final; tasks of workers that have ended for good; a lost lease that nobody holds.
/// </summary>
internal sealed class Settling(Transitions transitions)
{
    private readonly IReadOnlyList<Guid> _reservations = transitions.Scenario.Reservations;
    private readonly Dictionary<(int, int, byte, int, int), (int Pending, int Sent)> _unspent = [];
    private readonly Dictionary<int, int> _collected = [];
    private readonly Dictionary<(int, int, int, int), (int WorkerA, int WorkerB)> _forgotten = [];
    private readonly Dictionary<(int, int, int, byte), bool> _held = [];

    public World Settle(World world)
    {
        world = world with { Aggregator = Collect(world.Aggregator) };
        if (!transitions.Scenario.IsSettled)
        {
            return world;
        }

        world = Drop(world);
        if (world.Faults.Duplicates == transitions.Scenario.Duplicates)
        {
            world = Forget(world);
        }

        return world.Faults.LostLease > 0 && !IsLeaseHeld(world) ? world with { Faults = world.Faults with { LostLease = 0 } } : world;
    }

    private int Collect(int aggregator)
    {
        if (!_collected.TryGetValue(aggregator, out var after))
        {
            after = aggregator;
            for (var round = 0; round < transitions.Rounds.Count; round++)
            {
                after = transitions.Aggregator.Collect(after, transitions.Rounds[round], round).Rows;
            }

            _collected[aggregator] = after;
        }

        return after;
    }

    private World Drop(World world)
    {
        var key = (world.Orchestrator, world.Aggregator, world.Faults.Clock, world.Pending, world.Sent);
        if (!_unspent.TryGetValue(key, out var left))
        {
            left = _unspent[key] = (Unspent(world, world.Pending), Unspent(world, world.Sent));
        }

        return world with { Pending = left.Pending, Sent = left.Sent };
    }

    private int Unspent(World world, int bag) =>
        transitions.Mail.Bags.IdOf(transitions.Mail.Bags[bag].Where(message => !IsSpent(world, message)));

    private bool IsSpent(World world, int message) => transitions.Mail.Messages[message].Queue switch
    {
        Routes.Orchestrator => transitions.Orchestrator.IsSpent(world.Orchestrator, message, world.Faults.Clock),
        Routes.Aggregator => transitions.Aggregator.IsSpent(world.Aggregator, message, world.Faults.Clock),
        _ => false,
    };

    // A task whose member is answered is not issued again, and no command for it is on its way or will be sent again.
    private World Forget(World world)
    {
        var key = (world.Orchestrator, world.WorkerA, world.WorkerB, world.Pending);
        if (!_forgotten.TryGetValue(key, out var workers))
        {
            workers = (world.WorkerA, world.WorkerB);
            for (var reservation = 0; reservation < _reservations.Count; reservation++)
            {
                if (!IsOpen(world, reservation) && !IsCommanded(world, reservation))
                {
                    workers = (transitions.Workers.Forget(workers.WorkerA, reservation).Rows, transitions.Workers.Forget(workers.WorkerB, reservation).Rows);
                }
            }

            _forgotten[key] = workers;
        }

        return world with { WorkerA = workers.WorkerA, WorkerB = workers.WorkerB };
    }

    private bool IsLeaseHeld(World world)
    {
        var key = (world.Orchestrator, world.WorkerA, world.WorkerB, world.Faults.LostLease);
        if (!_held.TryGetValue(key, out var held))
        {
            var reservation = _reservations[world.Faults.LostLease - 1];
            var member = transitions.Orchestrator.Rows[world.Orchestrator].Members.Values.Single(member => member.ReservationId == reservation && member.CarriedFrom is null);
            held = _held[key] = member is { LeaseNumber: 1, IsOpen: true } || IsAtWork(world.WorkerA, reservation) || IsAtWork(world.WorkerB, reservation);
        }

        return held;
    }

    private bool IsOpen(World world, int reservation) =>
        transitions.Orchestrator.Rows[world.Orchestrator].Members.Values.Any(member => member.ReservationId == _reservations[reservation] && member.IsOpen);

    private bool IsCommanded(World world, int reservation) => transitions.Mail.Bags[world.Pending].Any(message =>
        transitions.Mail.Messages[message].Message is TrainClient command && command.ReservationId == _reservations[reservation]);

    private bool IsAtWork(int worker, Guid reservation) =>
        transitions.Workers.Rows[worker].Tasks.GetValueOrDefault(reservation) is { IsEnded: false, Command.LeaseNumber: 1 };
}
