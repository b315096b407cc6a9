using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Plans;
using FlEvents.Orchestrator.Rounds;
using FlEvents.PrivacyAccountant;

namespace FlEvents.Standalone.Privacy;

/// <summary>The ledger's own decisions for a run that is only planned.</summary>
public static class ForecastLedger
{
    /// <summary>Ledgers that are new.</summary>
    /// <param name="policy">Their budgets.</param>
    public static AskLedger With(LedgerPolicy policy, RunSpec run)
    {
        var state = LedgerState.Empty;
        return (round, cohort) =>
        {
            var decision = Ledger.On(state with { Reservations = LedgerState.Empty.Reservations }, Request(run, round, cohort), policy, DateTimeOffset.UnixEpoch);
            var refused = decision.Messages.OfType<BudgetRefused>().SelectMany(answer => answer.Refused).Select(client => client.ClientId).ToHashSet(StringComparer.Ordinal);
            return new ForecastAnswer(refused, () => state = decision.State);
        };
    }

    private static ReserveBudget Request(RunSpec run, int round, IReadOnlyList<EligibleClient> cohort) => new()
    {
        RunId = Guid.Empty,
        RoundId = Guid.Empty,
        Round = round,
        Attempt = 1,
        Clients = [.. cohort.Select(client => new ReservationRequest
        {
            ClientId = client.ClientId,
            Ledger = client.Data.Ledger,
            Charges = PrivacyPlan.Charges(run, client.Data.ExampleCount, round),
        })],
    };
}
