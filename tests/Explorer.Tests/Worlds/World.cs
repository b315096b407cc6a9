namespace FlEvents.Explorer.Tests.Worlds;

/// <summary>
/// Everything that a later step can depend on. Rows, messages and bags are named by the numbers that <see cref="Interned{T}"/> and
/// <see cref="Bags"/> gave to their content.
/// </summary>
/// <param name="Orchestrator">Its durable rows; it has no other state.</param>
/// <param name="Aggregator">Its durable rows and folders, and what it has in hand.</param>
/// <param name="Accountant">Its durable rows; it has no other state.</param>
/// <param name="WorkerA">Durable rows and folder of the pool's first worker, and what it has in hand.</param>
/// <param name="WorkerB">The same of the second.</param>
/// <param name="Pending">Bag of messages that are committed and not taken yet, in an outbox or on the way.</param>
/// <param name="Sent">Set of messages that were ever committed: what can be sent again. Empty once no duplicate is left to happen.</param>
internal readonly record struct World(
    int Orchestrator, int Aggregator, int Accountant, int WorkerA, int WorkerB, int Pending, int Sent, Faults Faults)
{
    public int Worker(int worker) => worker == 0 ? WorkerA : WorkerB;

    public override int GetHashCode() =>
        HashCode.Combine(Orchestrator, Aggregator, Accountant, WorkerA, WorkerB, Pending, Faults.Clock, Faults.LostLease);

    /// <summary>Whether all that can happen in another world can happen in this one: they are the same, but that fewer faults are used up here.</summary>
    public bool Covers(World other) =>
        Orchestrator == other.Orchestrator && Aggregator == other.Aggregator && Accountant == other.Accountant && WorkerA == other.WorkerA
        && WorkerB == other.WorkerB && Pending == other.Pending && Faults.Covers(other.Faults) && (Sent == other.Sent || other.Sent == Bags.Empty);

    public World WithWorker(int worker, int rows) => worker == 0 ? this with { WorkerA = rows } : this with { WorkerB = rows };
}

/// <summary>The time, and which faults have happened.</summary>
/// <param name="Clock">In deadlines of a round since the start.</param>
/// <param name="Duplicates">Messages that were sent again as new ones.</param>
/// <param name="WorkerCrashes">Workers that died or were stopped.</param>
/// <param name="Expiries">Leases that ended, and deadlines that passed while there was something left to do.</param>
/// <param name="LostLease">The reservation whose worker was out of touch for a whole lease, counted from 1; 0 for none.</param>
internal readonly record struct Faults(byte Clock, byte Duplicates, byte AggregatorCrashes, byte WorkerCrashes, byte Expiries, byte LostLease)
{
    public bool Covers(Faults other) =>
        Clock == other.Clock && LostLease == other.LostLease && Duplicates <= other.Duplicates && AggregatorCrashes <= other.AggregatorCrashes
        && WorkerCrashes <= other.WorkerCrashes && Expiries <= other.Expiries;
}
