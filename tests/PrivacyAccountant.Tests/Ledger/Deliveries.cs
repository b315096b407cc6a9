using FlEvents.Contracts;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>Random deliveries from a world so small that they meet: two runs, two rounds, two attempts, four clients, three ledgers.</summary>
internal static class Deliveries
{
    private static readonly string[] ClientIds = ["anna", "ben", "cem", "dora"];
    private static readonly string[] Owners = ["north", "south", "east"];

    private static readonly Gen<(Guid Run, int Round)> Rounds =
        from run in Gen.Elements(Messages.RunA, Messages.RunB)
        from round in Gen.Choose(1, 2)
        select (run, round);

    private static readonly Gen<object> Reserve =
        from round in Rounds
        from attempt in Gen.Frequency((4, Gen.Constant(1)), (1, Gen.Constant(2)))
        from clients in Gen.NonEmptyListOf(Gen.Elements(ClientIds))
        from owners in Gen.ListOf(Gen.Elements(Owners), ClientIds.Length)
        select (object)Messages.Reserve(round.Run, round.Round, attempt, clients.Distinct().Select((client, i) => $"{client}@{owners[i]}"));

    private static readonly Gen<object> Commit = Rounds.Select(round => (object)Messages.Commit(round.Run, round.Round));

    private static readonly Gen<object> Refund =
        from round in Rounds
        from attempt in Gen.Choose(1, 2)
        from client in Gen.Elements(ClientIds)
        select (object)Messages.Refund(round.Run, round.Round, client, attempt);

    /// <summary>Up to 40 messages, then duplicates of any of them strewn in anywhere.</summary>
    public static readonly Gen<object[]> Any =
        from size in Gen.Choose(1, 40)
        from messages in Gen.ArrayOf(Gen.Frequency((6, Reserve), (1, Commit), (5, Refund)), size)
        from duplicates in Gen.ArrayOf(Gen.Elements(messages), size / 2)
        from order in Gen.Shuffle(Enumerable.Range(0, size + (size / 2)))
        select order.Select(i => i < size ? messages[i] : duplicates[i - size]).ToArray();

    /// <summary>As the Orchestrator sends them: a refund never before the client it names was charged.</summary>
    public static readonly Gen<object[]> Causal = Any.Select(messages =>
    {
        var naive = new NaiveLedger();
        return messages.Where(message =>
        {
            switch (message)
            {
                case ReserveBudget reserve:
                    naive.Reserve(reserve);
                    return true;
                case CommitBudget commit:
                    naive.Commit(commit);
                    return true;
                default:
                    var refund = (RefundBudget)message;
                    return naive.States.Any(state => ReservationId.Of(state.Item1, state.Item2, state.Item3, state.Item4) == refund.ReservationId);
            }
        }).ToArray();
    });

    /// <summary>Deliveries and, after them, any of the same messages again in any order.</summary>
    public static readonly Gen<(object[] First, object[] Again)> Replayed =
        from first in Causal
        where first.Length > 0
        from size in Gen.Choose(1, 60)
        from again in Gen.ArrayOf(Gen.Elements(first), size)
        select (first, again);
}
