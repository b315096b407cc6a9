using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FlEvents.Orchestrator.Api;

/// <summary>The Orchestrator's HTTP interface.</summary>
public static class RunEndpoints
{
    private const int LongestList = 1000;
    private static readonly Lazy<string> Schema = new(() => SpecSchema.Create(typeof(RunSpec), "FlEvents run"));

    public static void MapRuns(this IEndpointRouteBuilder app)
    {
        var runs = app.MapGroup("/runs").WithTags("Runs");
        runs.MapPost("/", CreateAsync).Accepts<RunSpec>("application/json").WithSummary("Creates a run.").RequireScope(Scopes.RunsWrite).Audited();
        runs.MapGet("/", List).WithSummary("Lists runs, the newest first.").RequireScope(Scopes.RunsRead);
        runs.MapGet("/events", RunEventStreams.OfAll).WithSummary("The newest runs (event run), the end of that list (whole), and then each change, as server-sent events.").RequireScope(Scopes.RunsRead);
        runs.MapGet("/schema.json", () => TypedResults.Text(Schema.Value, "application/schema+json")).WithSummary("The JSON Schema of a run.").RequireScope(Scopes.RunsRead);
        runs.MapGet("/{runId:guid}", Find).WithSummary("Shows a run.").RequireScope(Scopes.RunsRead);
        runs.MapPost("/{runId:guid}/pause", (Guid runId, RunCommands commands, CancellationToken stop) => ShowAsync(runId, commands.PauseAsync(runId, stop)))
            .WithSummary("Plans no further round until the run is resumed.").RequireScope(Scopes.RunsWrite).Audited();
        runs.MapPost("/{runId:guid}/resume", (Guid runId, RunCommands commands, CancellationToken stop) => ShowAsync(runId, commands.ResumeAsync(runId, stop)))
            .WithSummary("Goes on with a paused run.").RequireScope(Scopes.RunsWrite).Audited();
        runs.MapPost("/{runId:guid}/stop", (Guid runId, RunCommands commands, CancellationToken stop) => ShowAsync(runId, commands.StopAsync(runId, stop)))
            .WithSummary("Ends a run with its last model.").RequireScope(Scopes.RunsWrite).Audited();
        runs.MapGet("/{runId:guid}/rounds", Rounds).WithSummary("Lists a run's rounds.").RequireScope(Scopes.RunsRead);
        runs.MapGet("/{runId:guid}/clients", Contributions).WithSummary("What each client did in a run.").RequireScope(Scopes.RunsRead);
        runs.MapGet("/{runId:guid}/model", ModelAsync).Produces(200, contentType: "application/octet-stream").WithSummary("The newest global model, as safetensors.").RequireScope(Scopes.RunsRead);
        runs.MapGet("/{runId:guid}/events", RunEventStreams.OfRun).WithSummary("The run's progress as server-sent events.").RequireScope(Scopes.RunsRead);
        var clients = app.MapGroup("/clients").WithTags("Clients");
        clients.MapGet("/", (OrchestratorDatabase database, OrchestratorOptions options) =>
            database.Read(transaction => ClientStore.All(transaction, TimeSpan.FromSeconds(options.ClientTimeoutSeconds)))).WithSummary("Lists enrolled clients.").RequireScope(Scopes.RunsRead);
        clients.MapDelete("/{clientId}", LeaveAsync).WithSummary("Removes a client; its ledger is kept.").RequireScope(Scopes.RunsWrite).Audited();
    }

    private static async Task<Results<Created<RunView>, Ok<RunView>, ProblemHttpResult, ValidationProblem>> CreateAsync(
        HttpRequest request, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey, RunCommands commands, OrchestratorDatabase database, CancellationToken cancellationToken)
    {
        var (spec, refusal) = await RunRequest.ReadAsync(request, database, cancellationToken);
        if (spec is null)
        {
            return refusal! switch { { Result: ValidationProblem invalid } => invalid, var other => (ProblemHttpResult)other.Result };
        }

        if (idempotencyKey is { Length: 0 or > 200 })
        {
            return TypedResults.Problem($"Idempotency-Key has {idempotencyKey.Length} characters; expected 1 to 200.", statusCode: StatusCodes.Status400BadRequest);
        }

        var creation = await commands.CreateAsync(spec, idempotencyKey, cancellationToken);
        return creation switch
        {
            { Conflict: true } => TypedResults.Problem(
                $"Idempotency-Key {idempotencyKey} has created run {creation.Run.RunId} from another request.", statusCode: StatusCodes.Status409Conflict),
            { Created: true } => TypedResults.Created($"/runs/{creation.Run.RunId}", RunViews.Of(creation.Run)),
            _ => TypedResults.Ok(RunViews.Of(creation.Run)),
        };
    }

    private static Ok<List<RunView>> List(OrchestratorDatabase database, int limit = 100) => TypedResults.Ok(
        database.Read(transaction => RunStore.Newest(transaction, Math.Clamp(limit, 1, LongestList)).Select(RunViews.Of).ToList()));

    private static Results<Ok<RunView>, ProblemHttpResult> Find(Guid runId, OrchestratorDatabase database) =>
        database.Read(transaction => RunStore.Find(transaction, runId)) is { } run ? TypedResults.Ok(RunViews.Of(run)) : NoRun(runId);

    private static async Task<Results<Ok<RunView>, ProblemHttpResult>> ShowAsync(Guid runId, Task<Run?> change) =>
        await change is { } run ? TypedResults.Ok(RunViews.Of(run)) : NoRun(runId);

    private static Results<Ok<IReadOnlyList<RoundView>>, ProblemHttpResult> Rounds(Guid runId, OrchestratorDatabase database) => database.Read<Results<Ok<IReadOnlyList<RoundView>>, ProblemHttpResult>>(
        transaction => RunStore.Find(transaction, runId) is null ? NoRun(runId) : TypedResults.Ok(RunViews.Rounds(transaction, runId)));

    private static Results<Ok<IReadOnlyList<ContributionView>>, ProblemHttpResult> Contributions(Guid runId, OrchestratorDatabase database) => database.Read<Results<Ok<IReadOnlyList<ContributionView>>, ProblemHttpResult>>(
        transaction => RunStore.Find(transaction, runId) is null ? NoRun(runId) : TypedResults.Ok(MemberStore.Contributions(transaction, runId)));

    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> ModelAsync(
        Guid runId, OrchestratorDatabase database, IModelSource models, CancellationToken cancellationToken)
    {
        var run = database.Read(transaction => RunStore.Find(transaction, runId));
        return run switch
        {
            null => NoRun(runId),
            { Model: null } => TypedResults.Problem($"Run {runId} has no model yet.", statusCode: StatusCodes.Status404NotFound),
            { Model: { } model } => TypedResults.File(
                await models.ReadAsync(model, cancellationToken), "application/octet-stream", $"{runId}-{run.ModelVersion}.safetensors"),
        };
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> LeaveAsync(string clientId, RunCommands commands, CancellationToken cancellationToken) =>
        await commands.LeaveAsync(clientId, cancellationToken)
            ? TypedResults.NoContent()
            : TypedResults.Problem($"Client {clientId} is not enrolled.", statusCode: StatusCodes.Status404NotFound);

    internal static ProblemHttpResult NoRun(Guid runId) => TypedResults.Problem($"There is no run {runId}.", statusCode: StatusCodes.Status404NotFound);
}
