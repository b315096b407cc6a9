using System.ComponentModel.DataAnnotations;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Security;

namespace FlEvents.Orchestrator.Edge;

/// <summary>Invitations and an operator's decisions about who takes part over HTTPS.</summary>
public static class EnrolmentEndpoints
{
    private const int LongestOwner = 200;

    public static void MapEnrolments(this IEndpointRouteBuilder app)
    {
        var enrolments = app.MapGroup("/enrolments").WithTags("Enrolment");
        enrolments.MapGet("/", (OrchestratorDatabase database) => database.Read(EnrolmentStore.All).Select(EnrolmentView.Of))
            .WithSummary("Lists clients that were invited to come over HTTPS.").RequireScope(Scopes.RunsRead);
        enrolments.MapPost("/", InviteAsync).WithSummary("Invites a client; answers its one-time token.").RequireScope(Scopes.RunsWrite).Audited();
        enrolments.MapPost("/{clientId}/approve", (string clientId, Approval approval, Enrolments all, CancellationToken stop) => ShowAsync(all.ApproveAsync(clientId, approval.KeySha256, stop)))
            .WithSummary("Lets the client's waiting key in.").RequireScope(Scopes.RunsWrite).Audited();
        enrolments.MapPost("/{clientId}/suspend", (string clientId, Enrolments all, CancellationToken stop) => ShowAsync(all.SuspendAsync(clientId, stop)))
            .WithSummary("Neither draws nor hears the client until it is resumed.").RequireScope(Scopes.RunsWrite).Audited();
        enrolments.MapPost("/{clientId}/resume", (string clientId, Enrolments all, CancellationToken stop) => ShowAsync(all.ResumeAsync(clientId, stop)))
            .WithSummary("Draws and hears a suspended client again.").RequireScope(Scopes.RunsWrite).Audited();
        enrolments.MapPost("/{clientId}/revoke", (string clientId, Enrolments all, CancellationToken stop) => ShowAsync(all.RevokeAsync(clientId, stop)))
            .WithSummary("Ends the client's enrolment; its ledger is kept.").RequireScope(Scopes.RunsWrite).Audited();
        app.MapPost("/edge/enrolment", EnrolAsync).WithTags(EdgeEndpoints.Tag).WithSummary("Enrols a client by its one-time token.").AllowAnonymous();
    }

    private static async Task<IResult> InviteAsync(Invitation invitation, Enrolments enrolments, CancellationToken cancellationToken)
    {
        if (!DeclaredData.NamePattern().IsMatch(invitation.ClientId))
        {
            return Problem(400, $"clientId is \"{invitation.ClientId}\"; expected 1 to 64 of a-z, 0-9 and -.");
        }

        if (invitation.Owner.Length is 0 or > LongestOwner)
        {
            return Problem(400, $"owner has {invitation.Owner.Length} characters; expected 1 to {LongestOwner}.");
        }

        if (invitation.ValidHours is < 1 or > Invitation.MostHours)
        {
            return Problem(400, $"validHours is {invitation.ValidHours}; expected 1 to {Invitation.MostHours}.");
        }

        var (answer, token) = await enrolments.InviteAsync(invitation.ClientId, invitation.Owner, TimeSpan.FromHours(invitation.ValidHours), cancellationToken);
        return answer.Enrolment is { } invited
            ? Results.Created($"/enrolments/{invited.ClientId}", new InvitationView(invited.ClientId, invited.Owner, token, invited.TokenEndsAt!.Value))
            : Problem(answer.Status, answer.Detail!);
    }

    private static async Task<IResult> EnrolAsync(EnrolmentRequest request, Enrolments enrolments, CancellationToken cancellationToken)
    {
        if (request.Defect() is { } defect)
        {
            return Problem(400, defect);
        }

        var answer = await enrolments.EnrolAsync(request, cancellationToken);
        return answer.Enrolment is { } waiting
            ? Results.Accepted(value: new EnrolmentReceipt(waiting.ClientId, waiting.Owner, ClientKey.NameOf(request.PublicKey)!, waiting.State))
            : Problem(answer.Status, answer.Detail!);
    }

    private static async Task<IResult> ShowAsync(Task<EnrolmentAnswer> change) =>
        await change is { Enrolment: { } enrolment } ? Results.Ok(EnrolmentView.Of(enrolment)) : Problem((await change).Status, (await change).Detail!);

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);
}

/// <summary>Whom an operator invites.</summary>
public record Invitation
{
    public const int MostHours = 8760;

    public required string ClientId { get; init; }

    /// <summary>Whose budgets its data is charged to.</summary>
    public required string Owner { get; init; }

    /// <summary>How long the token is good.</summary>
    [Range(1, MostHours)]
    public int ValidHours { get; init; } = 72;
}

/// <summary>An invitation with its token, which is shown once.</summary>
public record InvitationView(string ClientId, string Owner, string Token, DateTimeOffset EndsAt);

/// <summary>An operator's word for a key.</summary>
public record Approval
{
    /// <summary>The key that is let in, 64 lower-case hexadecimal digits.</summary>
    public required string KeySha256 { get; init; }
}

/// <summary>What a client is told once its key has come.</summary>
public record EnrolmentReceipt(string ClientId, string Owner, string KeySha256, EnrolmentState State);

/// <summary>An enrolment as operators see it.</summary>
public record EnrolmentView
{
    public required string ClientId { get; init; }
    public required string Owner { get; init; }
    public required EnrolmentState State { get; init; }

    /// <summary>The key that is good; null where none is.</summary>
    public required string? KeySha256 { get; init; }

    /// <summary>The key that waits for approval, beside or before the one that is good.</summary>
    public required string? WaitingKeySha256 { get; init; }

    public required DateTimeOffset? TokenEndsAt { get; init; }
    public required DateTimeOffset ChangedAt { get; init; }

    public static EnrolmentView Of(Enrolment enrolment) => new()
    {
        ClientId = enrolment.ClientId,
        Owner = enrolment.Owner,
        State = enrolment.State,
        KeySha256 = enrolment is { IsRevoked: false, Key: { } key } ? ClientKey.NameOf(key) : null,
        WaitingKeySha256 = enrolment.WaitingKey is { } waiting ? ClientKey.NameOf(waiting) : null,
        TokenEndsAt = enrolment.TokenEndsAt,
        ChangedAt = enrolment.ChangedAt,
    };
}
