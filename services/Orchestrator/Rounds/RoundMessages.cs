using System.Security.Cryptography;
using System.Text;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>The commands of a round, made from its rows.</summary>
public static class RoundMessages
{
    /// <summary>Without privacy nothing is noised: both units are charged as unbounded (privacy rule 4).</summary>
    private static readonly PrivacyCharge[] Charges =
    [
        new() { Unit = PrivacyUnit.Example, Mechanism = PrivacyMechanism.Unbounded },
        new() { Unit = PrivacyUnit.Client, Mechanism = PrivacyMechanism.Unbounded },
    ];

    /// <summary>Asks the ledger for the whole cohort, in pages.</summary>
    public static IEnumerable<object> Reserve(Round round, IReadOnlyList<EligibleClient> cohort) => cohort.Chunk(Page.LargestSize).Select(page => new ReserveBudget
    {
        RunId = round.RunId,
        RoundId = round.RoundId,
        Round = round.Number,
        Attempt = 1,
        Clients = page.Select(client => new ReservationRequest { ClientId = client.ClientId, Ledger = client.Data.Ledger }).ToList(),
        Charges = Charges,
    });

    /// <summary>Opens the Aggregator's book for these members, or renews their leases in it, in pages.</summary>
    public static IEnumerable<object> OpenBook(Round round, IReadOnlyList<Member> members) => members.Chunk(Page.LargestSize).Select(page => new OpenRound
    {
        RunId = round.RunId,
        RoundId = round.RoundId,
        Round = round.Number,
        BaseModel = round.BaseModel,
        CohortSize = round.CohortSize - round.Refused,
        Members = page.Select(Describe).ToList(),
    });

    public static TrainClient Train(Run run, Round round, Member member) => new()
    {
        RunId = run.RunId,
        RoundId = round.RoundId,
        Round = round.Number,
        ClientId = member.ClientId,
        ReservationId = member.ReservationId,
        Attempt = 1,
        LeaseNumber = member.LeaseNumber,
        LeaseToken = member.LeaseToken,
        Lease = TimeSpan.FromSeconds(run.Spec.Selection.LeaseSeconds),
        DeadlineAt = round.DeadlineAt!.Value,
        BaseModel = round.BaseModel,
        Model = run.Spec.Model,
        Data = run.Spec.Data,
        Training = run.Spec.Training,
        Seed = run.Spec.Seed,
        Charges = Charges,
    };

    public static EvaluateModel Evaluate(Run run, Round round, Member member, DateTimeOffset deadlineAt) => new()
    {
        RunId = run.RunId,
        Version = round.Number,
        ClientId = member.ClientId,
        DeadlineAt = deadlineAt,
        Model = round.Model!,
        Spec = run.Spec.Model,
        Data = run.Spec.Data,
        Training = run.Spec.Training,
        Seed = run.Spec.Seed,
    };

    private static RoundMember Describe(Member member) => new()
    {
        ClientId = member.ClientId,
        ReservationId = member.ReservationId,
        Attempt = 1,
        LeaseNumber = member.LeaseNumber,
        LeaseTokenSha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(member.LeaseToken))),
        ExampleCount = member.ExampleCount,
    };
}
