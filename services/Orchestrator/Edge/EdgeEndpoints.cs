using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using FlEvents.ServiceDefaults.Security;

namespace FlEvents.Orchestrator.Edge;

/// <summary>What an enrolled client asks and tells over HTTPS.</summary>
public static partial class EdgeEndpoints
{
    /// <summary>How long a client may ask to wait for a task.</summary>
    public const int LongestWaitSeconds = 30;

    /// <summary>What the endpoints of enrolled clients are listed under.</summary>
    public const string Tag = "Edge";

    private const int LongestDetail = 1000;

    public static void MapEdge(this IEndpointRouteBuilder app)
    {
        var edge = app.MapGroup("/edge/tasks").WithTags(Tag).RequireAuthorization(EdgeAccess.Policy).WithCallersOf(EdgeAccess.Scheme);
        edge.MapGet("/", OpenAsync).Produces<EdgeTasksView>().WithSummary("The client's open tasks; waits for a new one.");
        edge.MapGet("/{roundId:guid}", Find).Produces<EdgeStatus>().WithSummary("Where a task stands.");
        edge.MapPost("/{roundId:guid}/accept", (Guid roundId, EdgeLease lease, HttpContext http, EdgeTasks tasks, CancellationToken stop) =>
            ShowAsync(tasks.AcceptAsync(EdgeAccess.ClientOf(http), roundId, lease.LeaseNumber, stop))).Produces<EdgeTask>().WithSummary("Takes a task; answers it with its lease token.");
        edge.MapPost("/{roundId:guid}/renew", (Guid roundId, EdgeLease lease, HttpContext http, EdgeTasks tasks, CancellationToken stop) =>
            ShowAsync(tasks.RenewAsync(EdgeAccess.ClientOf(http), roundId, lease.LeaseNumber, stop))).Produces<EdgeTask>().WithSummary("The task is still in training.");
        edge.MapPost("/{roundId:guid}/refuse", (Guid roundId, EdgeEnd end, HttpContext http, EdgeTasks tasks, CancellationToken stop) =>
            EndAsync(end, () => tasks.RefuseAsync(EdgeAccess.ClientOf(http), roundId, end, stop))).WithSummary("Does not take a task; its charge is given back.");
        edge.MapPost("/{roundId:guid}/interrupt", (Guid roundId, EdgeEnd end, HttpContext http, EdgeTasks tasks, CancellationToken stop) =>
            EndAsync(end, () => tasks.InterruptAsync(EdgeAccess.ClientOf(http), roundId, end, stop))).WithSummary("Gives an accepted task up; its charge stays.");
        edge.MapPost("/{roundId:guid}/submit", SubmitAsync).WithSummary("Announces an update that was uploaded.");
    }

    private static async Task<IResult> OpenAsync(HttpContext http, EdgeTasks tasks, OrchestratorOptions options, CancellationToken cancellationToken, int wait = 0) =>
        wait is < 0 or > LongestWaitSeconds
            ? Problem(400, $"wait is {wait}; expected 0 to {LongestWaitSeconds} seconds.")
            : Results.Ok(new EdgeTasksView(options.BlobsUrl, await tasks.OpenAsync(EdgeAccess.ClientOf(http), TimeSpan.FromSeconds(wait), cancellationToken)));

    private static IResult Find(Guid roundId, HttpContext http, EdgeTasks tasks) =>
        tasks.Find(EdgeAccess.ClientOf(http), roundId) is { } status ? Results.Ok(status) : Problem(404, $"{EdgeAccess.ClientOf(http)} has no task in round {roundId}.");

    private static async Task<IResult> ShowAsync(Task<EdgeAnswer> change) =>
        await change is { Detail: null } answer ? Results.Ok(answer.Task) : Problem((await change).Status, (await change).Detail!);

    private static async Task<IResult> EndAsync(EdgeEnd end, Func<Task<EdgeAnswer>> change) =>
        !ReasonPattern().IsMatch(end.ReasonCode) ? Problem(400, "reasonCode is not 1 to 40 of A-Z, 0-9 and _.")
        : end.Detail.Length > LongestDetail ? Problem(400, $"detail has {end.Detail.Length} characters; expected at most {LongestDetail}.")
        : await change() is { Detail: { } refused } answer ? Problem(answer.Status, refused)
        : Results.NoContent();

    private static async Task<IResult> SubmitAsync(Guid roundId, EdgeUpdate update, HttpContext http, EdgeTasks tasks, CancellationToken cancellationToken) =>
        !Sha256Pattern().IsMatch(update.Update.Sha256) ? Problem(400, "update.sha256 is not 64 lower-case hexadecimal digits.")
        : update.Update.SizeBytes < 1 ? Problem(400, $"update.sizeBytes is {update.Update.SizeBytes}; expected at least 1.")
        : update is { TrainingLoss: { } loss } && !double.IsFinite(loss) ? Problem(400, "trainingLoss is not finite.")
        : await tasks.SubmitAsync(EdgeAccess.ClientOf(http), roundId, update, cancellationToken) is { Detail: { } refused } answer ? Problem(answer.Status, refused)
        : Results.Accepted();

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);

    [GeneratedRegex("^[A-Z0-9_]{1,40}\\z")]
    private static partial Regex ReasonPattern();

    [GeneratedRegex("^[0-9a-f]{64}\\z")]
    private static partial Regex Sha256Pattern();
}

/// <summary>The issue of a task that a request is about.</summary>
public record EdgeLease
{
    public required int LeaseNumber { get; init; }
}

/// <summary>Why a client ends a task without an update.</summary>
public record EdgeEnd
{
    public required int LeaseNumber { get; init; }

    /// <summary>Upper-case code, as in TrainingRefused and TrainingInterrupted.</summary>
    public required string ReasonCode { get; init; }

    public required string Detail { get; init; }
}

/// <summary>An update that was uploaded, as its client announces it.</summary>
public record EdgeUpdate
{
    public required int LeaseNumber { get; init; }
    public required BlobRef Update { get; init; }

    /// <summary>As in UpdateSubmitted.</summary>
    public required int? ExampleCount { get; init; }

    public double? TrainingLoss { get; init; }
    public double? TrainingSeconds { get; init; }
    public required UpdateSignature Signature { get; init; }
}

/// <summary>Open tasks of a client.</summary>
/// <param name="BlobsUrl">Where models and updates are; null where it is this address.</param>
public record EdgeTasksView(Uri? BlobsUrl, IReadOnlyList<EdgeTask> Tasks);

/// <param name="Task">The command as a worker gets it; without its lease token until it is accepted.</param>
public record EdgeTask(EdgeTaskState State, TrainClient Task);

[JsonConverter(typeof(CamelCaseEnumConverter<EdgeTaskState>))]
public enum EdgeTaskState
{
    Dispatched,
    Accepted,
}

/// <summary>Where a task stands.</summary>
public record EdgeStatus(string State, string? Detail, int LeaseNumber)
{
    public static EdgeStatus Of(Member member) => new(EdgeTasks.Name(member.State), member.Detail, member.LeaseNumber);
}

/// <summary>What came of a client's word.</summary>
/// <param name="Task">The task while it is accepted.</param>
/// <param name="Status">HTTP status of a refusal.</param>
/// <param name="Detail">Why it was refused; null when it was not.</param>
public record EdgeAnswer(EdgeTask? Task, int Status = 0, string? Detail = null)
{
    public static EdgeAnswer Refused(int status, string detail) => new(null, status, detail);
}
