using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>Knows a caller by <c>Authorization: Bearer KEY</c>, and tells one that is not let in what was expected.</summary>
internal sealed class ApiKeyHandler : AuthenticationHandler<AuthenticationSchemeOptions>
{
    private readonly (byte[] Sha256, ClaimsPrincipal Caller)[] _keys;

    public ApiKeyHandler(IOptionsMonitor<AuthenticationSchemeOptions> schemes, ILoggerFactory log, UrlEncoder encoder, IOptions<SecurityOptions> options)
        : base(schemes, log, encoder) => _keys =
        [
            .. options.Value.ApiKeys.Select(key => (Convert.FromHexString(key.Value.Sha256), Access.Caller(key.Key, SecurityOptions.Split(key.Value.Scopes)))),
        ];

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Access.BearerOf(Request) is not { } token)
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        // All of them are compared, each in constant time.
        var sha256 = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        ClaimsPrincipal? caller = null;
        foreach (var (known, holder) in _keys)
        {
            caller = CryptographicOperations.FixedTimeEquals(known, sha256) ? holder : caller;
        }

        return Task.FromResult(caller is null ? AuthenticateResult.Fail("unknown key") : AuthenticateResult.Success(new AuthenticationTicket(caller, Scheme.Name)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = Access.BearerScheme;
        var detail = Access.BearerOf(Request) is null
            ? "Expected Authorization: Bearer with an API key or a token."
            : "The API key or token is not known here, or no longer good.";
        return Results.Problem(detail, statusCode: StatusCodes.Status401Unauthorized).ExecuteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var needed = Context.GetEndpoint()?.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(required => required.Policy) ?? [];
        return Results.Problem(
            $"{Context.User.Identity?.Name} may do {string.Join(", ", Access.ScopesOf(Context.User))}; this needs {string.Join(" and ", needed)}.",
            statusCode: StatusCodes.Status403Forbidden).ExecuteAsync(Context);
    }
}
