using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>Who is in a run's next round: a cohort that is drawn, and clients whose late updates count in it.</summary>
public static class RoundPlan
{
    /// <summary>Late updates that count in the next round: of each ledger the newest, and none of a client that is not there any more.</summary>
    /// <param name="late">Members whose update was late, the newest first.</param>
    /// <param name="eligible">Clients that may be drawn.</param>
    /// <returns>In order of client id.</returns>
    public static IReadOnlyList<(Member Late, EligibleClient Client)> Carried(IReadOnlyList<Member> late, IReadOnlyList<EligibleClient> eligible)
    {
        if (late.Count == 0)
        {
            return [];
        }

        var clients = eligible.ToDictionary(client => client.ClientId);
        return
        [
            .. late
                .Where(member => clients.ContainsKey(member.ClientId))
                .Select(member => (member, clients[member.ClientId]))
                .DistinctBy(carried => carried.Item2.Data.Ledger)
                .OrderBy(carried => carried.member.ClientId, StringComparer.Ordinal),
        ];
    }

    /// <summary>Clients that may be drawn beside those whose late updates count: no ledger is in a sum twice.</summary>
    public static IEnumerable<EligibleClient> Others(IReadOnlyList<EligibleClient> eligible, IReadOnlyList<(Member Late, EligibleClient Client)> carried)
    {
        var ledgers = carried.Select(late => late.Client.Data.Ledger).ToHashSet();
        return eligible.Where(client => !ledgers.Contains(client.Data.Ledger));
    }

    /// <summary>The run's next round, before its ledger was asked.</summary>
    /// <param name="drawn">Clients that will be sent a task.</param>
    /// <param name="carried">Clients whose late updates count.</param>
    /// <param name="target">Clients wanted before over-selection.</param>
    public static Round NewRound(Run run, int drawn, int carried, int target, DateTimeOffset now) => new()
    {
        RoundId = ReservationId.OfRound(run.RunId, run.Round + 1),
        RunId = run.RunId,
        Number = run.Round + 1,
        State = RoundState.Planned,
        CohortSize = drawn + carried,
        Planned = drawn,
        Open = carried,
        MinimumReports = run.Spec.Selection.MinimumReports,
        Target = run.Spec.Selection.CloseOnTarget ? target : null,
        BaseModel = run.Model!,
        StartedAt = now,
    };

    /// <summary>A client that will be sent a task once it is charged.</summary>
    /// <param name="secret">Of its first lease.</param>
    public static Member NewMember(Round round, EligibleClient client, string secret) => new()
    {
        RoundId = round.RoundId,
        ClientId = client.ClientId,
        State = MemberState.Planned,
        ReservationId = ReservationId.Of(round.RunId, round.Number, client.ClientId, attempt: 1),
        Address = client.Address,
        ExampleCount = client.Data.ExampleCount,
        LeaseToken = LeaseToken.Of(leaseNumber: 1, secret),
        KeySha256 = client.KeySha256,
    };

    /// <summary>A client whose late update counts: it was charged for it, and is sent nothing. It waits for the book's word under a lease without an end.</summary>
    public static Member CarriedMember(Round round, Member late, EligibleClient client, string secret) =>
        NewMember(round, client, secret) with { State = MemberState.Accepted, ReservationId = late.ReservationId, CarriedFrom = late.RoundId };
}
