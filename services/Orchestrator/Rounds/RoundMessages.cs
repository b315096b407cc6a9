using System.Security.Cryptography;
using System.Text;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>The commands of a round, made from its rows.</summary>
public static class RoundMessages
{
    /// <summary>Asks the ledger for the whole cohort, in pages.</summary>
    public static IEnumerable<object> Reserve(Run run, Round round, IReadOnlyList<EligibleClient> cohort) => cohort.Chunk(Page.LargestCharged).Select(page => new ReserveBudget
    {
        RunId = round.RunId,
        RoundId = round.RoundId,
        Round = round.Number,
        Attempt = 1,
        Clients = page.Select(client => new ReservationRequest
        {
            ClientId = client.ClientId,
            Ledger = client.Data.Ledger,
            Charges = PrivacyPlan.Charges(run.Spec, client.Data.ExampleCount, round.Number),
            KeySha256 = client.KeySha256,
        }).ToList(),
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

        // Where late updates count a worker goes on as long as its own may.
        DeadlineAt = round.DeadlineAt!.Value + (run.Spec.Aggregation.LateRounds * TimeSpan.FromSeconds(run.Spec.Selection.DeadlineSeconds)),
        BaseModel = round.BaseModel,
        Model = run.Spec.Model,
        Data = run.Spec.Data,
        Training = run.Spec.Training,
        Seed = run.Spec.Seed,
        Charges = PrivacyPlan.Charges(run.Spec, member.ExampleCount, round.Number),
        Privacy = PrivacyPlan.TaskOf(run.Spec, member.ExampleCount, round.Number),
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
        CarriedFrom = member.CarriedFrom,
        KeySha256 = member.KeySha256,
    };
}
