using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>Knows a caller by <c>Authorization: Bearer KEY</c>, and tells one that is not let in what was expected.</summary>
internal sealed class ApiKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> schemes, ILoggerFactory log, UrlEncoder encoder, ApiKeyRing keys, AuditTrail audit, AccessMetrics metrics)
    : AuthenticationHandler<AuthenticationSchemeOptions>(schemes, log, encoder)
{
    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Authenticate());

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        metrics.UnknownCallers.Add(1);
        Response.Headers.WWWAuthenticate = Access.BearerScheme;
        var detail = Access.BearerOf(Request) is null
            ? "Expected Authorization: Bearer with an API key or a token."
            : "The API key or token is not known here, or no longer good.";
        return Results.Problem(detail, statusCode: StatusCodes.Status401Unauthorized).ExecuteAsync(Context);
    }

    protected override async Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        await audit.RefusedAsync(Context);
        await Results.Problem(
            $"{Context.User.Identity?.Name} may do {string.Join(", ", Access.ScopesOf(Context.User))}; this needs {string.Join(" and ", Access.NeededScopes(Context.GetEndpoint()))}.",
            statusCode: StatusCodes.Status403Forbidden).ExecuteAsync(Context);
    }

    private AuthenticateResult Authenticate()
    {
        if (Access.BearerOf(Request) is not { } key)
        {
            return AuthenticateResult.NoResult();
        }

        return keys.HolderOf(key) is { } caller
            ? AuthenticateResult.Success(new AuthenticationTicket(caller, Scheme.Name))
            : AuthenticateResult.Fail("unknown key");
    }
}
