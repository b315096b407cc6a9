using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Security;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlEvents.Orchestrator.Plans;

/// <summary>What a run would cost the clients that are there, before it is created; and what a task of a run charges each of them.</summary>
public static class PlanEndpoints
{
    /// <summary>Most different charges in a plan made here: the accountants compose each of them, which nobody can interrupt.</summary>
    private const int MostCharges = 1000;

    private const int EarlierRuns = 50;

    // One plan at a time: rounds and leases go first.
    private static readonly SemaphoreSlim Turn = new(1);

    public static void MapPlans(this IEndpointRouteBuilder app)
    {
        app.MapPost("/plan", PlanAsync).Accepts<RunSpec>("application/json").WithTags("Runs")
            .WithSummary("What a run would cost the clients that are there: privacy, traffic and time. Nothing is created.").RequireScope(Scopes.RunsRead);
        app.MapGet("/runs/{runId:guid}/charges", Charges).WithTags("Runs")
            .WithSummary("What the next task of a run charges each client that holds its data set.").RequireScope(Scopes.RunsRead);
    }

    private static async Task<Results<Ok<RunPlan>, ProblemHttpResult, ValidationProblem>> PlanAsync(
        HttpRequest request, OrchestratorDatabase database, OrchestratorOptions options, CancellationToken cancellationToken)
    {
        var (spec, refusal) = await RunRequest.ReadAsync(request, database, cancellationToken);
        if (spec is null)
        {
            return refusal! switch { { Result: ValidationProblem invalid } => invalid, var other => (ProblemHttpResult)other.Result };
        }

        if (spec.Rounds > MostCharges && (spec.Privacy.Example?.NoiseDecay ?? spec.Privacy.Local?.NoiseDecay ?? spec.Privacy.Central?.NoiseDecay ?? 1) < 1)
        {
            return TypedResults.Problem($"Noise that decays over {spec.Rounds} rounds takes long to plan; expected at most {MostCharges} here. flevents plan takes any number.", statusCode: StatusCodes.Status422UnprocessableEntity);
        }

        var (clients, earlier) = database.Read(transaction => (
            ClientStore.Eligible(transaction, spec.Data, TimeSpan.FromSeconds(options.ClientTimeoutSeconds)), Earlier(transaction, spec)));
        if (clients.Count == 0)
        {
            return TypedResults.Problem($"No client that is there holds data set {spec.Data.DataSet}: there is nobody to plan for.", statusCode: StatusCodes.Status409Conflict);
        }

        await Turn.WaitAsync(cancellationToken);
        try
        {
            return TypedResults.Ok(await Task.Run(() => Plan(spec, clients) with { Earlier = earlier }, cancellationToken));
        }
        catch (InvalidDataException e)
        {
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status422UnprocessableEntity);
        }
        finally
        {
            Turn.Release();
        }
    }

    // Budgets are the ledger's, which the caller asks itself.
    private static RunPlan Plan(RunSpec spec, IReadOnlyList<EligibleClient> clients)
    {
        var schedule = RunForecast.Of(spec, clients);
        return RunPlan.Of(spec, schedule, schedule, [.. clients.Select(client => client.Data.ExampleCount)], new Dictionary<PrivacyUnit, BudgetTerms>());
    }

    private static EarlierTime? Earlier(Transaction transaction, RunSpec spec)
    {
        var wanted = Work(spec);
        return RunStore.Newest(transaction, EarlierRuns)
            .Where(run => Work(run.Spec) == wanted)
            .Select(run => (run.RunId, Seconds: Seconds(RoundStore.OfRun(transaction, run.RunId))))
            .Where(run => run.Seconds.Count > 0)
            .Select(run => new EarlierTime
            {
                RunId = run.RunId,
                Rounds = run.Seconds.Count,
                RoundSeconds = run.Seconds.Average(),
                RunSeconds = run.Seconds.Average() * spec.Rounds,
            })
            .FirstOrDefault();
    }

    private static List<double> Seconds(IEnumerable<Round> rounds) =>
        [.. rounds.Where(round => round.State == RoundState.Done).Select(round => (round.EndedAt - round.StartedAt)?.TotalSeconds).OfType<double>()];

    // What the length of a round follows from, as text: records that hold lists are equal by reference only.
    private static string Work(RunSpec spec) => JsonSerializer.Serialize(new { spec.Model, spec.Data, spec.Training, spec.Privacy.Mode, spec.Selection.Count, spec.Selection.Fraction }, RunStore.Json);

    private static Results<Ok<List<TaskChargeView>>, ProblemHttpResult> Charges(Guid runId, OrchestratorDatabase database) =>
        database.Read<Results<Ok<List<TaskChargeView>>, ProblemHttpResult>>(transaction => RunStore.Find(transaction, runId) is not { } run
            ? TypedResults.Problem($"There is no run {runId}.", statusCode: StatusCodes.Status404NotFound)
            : TypedResults.Ok(ClientStore.Eligible(transaction, run.Spec.Data, ClientStore.WorkerKept)
                .Select(client => new TaskChargeView
                {
                    ClientId = client.ClientId,
                    Charges = PrivacyPlan.Charges(run.Spec, client.Data.ExampleCount, Math.Clamp(run.Round, 1, run.Spec.Rounds)),
                })
                .ToList()));
}

/// <summary>What a task of a run charges a client.</summary>
public record TaskChargeView
{
    public required string ClientId { get; init; }

    /// <summary>One for each privacy unit, of the round in progress or the last one.</summary>
    public required IReadOnlyList<PrivacyCharge> Charges { get; init; }
}
