using System.ComponentModel;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlEvents.PrivacyAccountant;

/// <summary>Reads the ledger, and sets budgets; charges are made by messages alone.</summary>
public static class LedgerEndpoints
{
    private const int LargestPage = 1000;
    private static readonly PrivacyUnit[] Units = Enum.GetValues<PrivacyUnit>();

    public static void MapLedger(this IEndpointRouteBuilder routes)
    {
        var ledger = routes.MapGroup("/ledger").WithTags("Ledger");
        ledger.MapGet("/entries", Entries).WithSummary("Entries of the log in order, a page at a time.").RequireScope(Scopes.LedgerRead);
        ledger.MapGet("/clients/{clientId}", Client).WithSummary("What the data a client has trained on has spent, by privacy unit.").RequireScope(Scopes.LedgerRead);
        ledger.MapPut("/budgets", SetBudgetAsync).WithSummary("Sets or changes the budget of a ledger in one privacy unit.").RequireScope(Scopes.LedgerAdmin).Audited();
        ledger.MapGet("/clients/{clientId}/forecast", Forecast).WithSummary("How many more tasks of one kind the budgets of a client's data allow.").RequireScope(Scopes.LedgerRead);
        ledger.MapGet("/head", Head).WithSummary("The last entry's sequence and hash, which covers the whole log.").RequireScope(Scopes.LedgerRead);
    }

    private static Results<Ok<IReadOnlyList<LedgerEntry>>, ProblemHttpResult> Entries(
        LedgerStore ledger,
        [Description("Sequence of the last entry already read; 0 for none.")] long after = 0,
        [Description("Most entries to return, 1 to 1000.")] int limit = 100)
    {
        if (after < 0)
        {
            return BadRequest($"after is {after}: it must be 0 or more.");
        }

        return limit is < 1 or > LargestPage
            ? BadRequest($"limit is {limit}: it must be from 1 to {LargestPage}.")
            : TypedResults.Ok(ledger.Entries(after, limit));
    }

    private static Results<Ok<ClientLedgersView>, ProblemHttpResult> Client(LedgerStore ledger, string clientId)
    {
        if (!BudgetMessages.IsClientId(clientId))
        {
            return BadRequest($"clientId is \"{clientId}\": it must be 1 to 64 of a-z, 0-9 and -.");
        }

        var ledgers = ledger.LedgersOf(clientId);
        return ledgers.Count == 0
            ? TypedResults.Problem($"Client {clientId} was never charged.", statusCode: StatusCodes.Status404NotFound)
            : TypedResults.Ok(new ClientLedgersView { ClientId = clientId, Ledgers = ledgers });
    }

    private static async Task<Results<Ok<LedgerView>, ProblemHttpResult>> SetBudgetAsync(LedgerStore ledger, BudgetRequest request, CancellationToken cancellationToken)
    {
        var terms = new BudgetTerms { Epsilon = request.Epsilon, Delta = request.Delta, Alpha = request.Alpha, Rho = request.Rho };
        if (terms.Defect is { } defect)
        {
            return BadRequest(defect);
        }

        try
        {
            return TypedResults.Ok(await ledger.SetBudgetAsync(request.Ledger, request.Unit, terms, cancellationToken));
        }
        catch (OtherMeasureException e)
        {
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status409Conflict);
        }
    }

    private static Results<Ok<IReadOnlyList<ForecastView>>, ProblemHttpResult> Forecast(
        LedgerStore ledger,
        string clientId,
        [Description("Privacy unit: example or client.")] string unit,
        [Description("z_eff = σ/Δ of one task.")] double noiseMultiplier,
        [Description("q of DP-SGD; without it one Gaussian release.")] double? samplingProbability = null,
        [Description("Steps of DP-SGD in one task.")] long? steps = null)
    {
        if (!BudgetMessages.IsClientId(clientId))
        {
            return BadRequest($"clientId is \"{clientId}\": it must be 1 to 64 of a-z, 0-9 and -.");
        }

        if (Units.All(known => LedgerChain.Name(known) != unit))
        {
            return BadRequest($"unit is \"{unit}\": it must be {string.Join(" or ", Units.Select(LedgerChain.Name))}.");
        }

        try
        {
            var charge = new PrivacyCharge
            {
                Unit = Units.Single(known => LedgerChain.Name(known) == unit),
                Mechanism = samplingProbability is null ? PrivacyMechanism.Gaussian : PrivacyMechanism.SubsampledGaussian,
                NoiseMultiplier = noiseMultiplier,
                SamplingProbability = samplingProbability,
                Steps = samplingProbability is null ? null : steps ?? 1,
            };
            return TypedResults.Ok(ledger.Forecast(clientId, charge));
        }
        catch (InvalidDataException e)
        {
            return BadRequest(e.Message);
        }
    }

    private static Ok<LedgerReceipt> Head(LedgerStore ledger) => TypedResults.Ok(ledger.Head());

    private static ProblemHttpResult BadRequest(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);
}
