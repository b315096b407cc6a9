using System.Security.Claims;
using System.Text.Encodings.Web;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FlEvents.Orchestrator.Edge;

/// <summary>Knows a client that comes over HTTPS by a token that it makes and signs itself (docs/enrolment.md).</summary>
public static class EdgeAccess
{
    /// <summary>Policy of the endpoints that are for enrolled clients, and nobody else.</summary>
    public const string Policy = "edge";

    internal const string Audience = "flevents-edge";
    internal const string Scheme = "Edge";

    internal static void Add(IServiceCollection services)
    {
        new AuthenticationBuilder(services).AddScheme<AuthenticationSchemeOptions, EdgeHandler>(Scheme, configureOptions: null);
        services.AddAuthorizationBuilder().AddPolicy(Policy, policy => policy.AddAuthenticationSchemes(Scheme).RequireAuthenticatedUser());
    }

    /// <summary>The client that calls.</summary>
    internal static string ClientOf(HttpContext http) => http.User.Identity!.Name!;
}

internal sealed class EdgeHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> schemes, ILoggerFactory log, UrlEncoder encoder, OrchestratorDatabase database, TimeProvider time)
    : AuthenticationHandler<AuthenticationSchemeOptions>(schemes, log, encoder)
{
    private const int LongestToken = 4096;
    private static readonly TimeSpan LongestLife = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);
    private static readonly JsonWebTokenHandler Tokens = new() { MaximumTokenSizeInBytes = LongestToken, MapInboundClaims = false };

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        const string Start = "Bearer ";
        if (Request.Headers.Authorization is not [{ } header] || !header.StartsWith(Start, StringComparison.OrdinalIgnoreCase))
        {
            return AuthenticateResult.NoResult();
        }

        var token = header[Start.Length..].Trim();
        if (token.Length > LongestToken || !Tokens.CanReadToken(token) || ClientIn(token) is not { } clientId)
        {
            return AuthenticateResult.Fail("no token of a client");
        }

        if (database.Read(transaction => EnrolmentStore.Find(transaction, clientId)) is not { State: EnrolmentState.Active, Key: { } publicKey } || ClientKey.Read(publicKey) is not { } key)
        {
            return AuthenticateResult.Fail("not enrolled");
        }

        using (key)
        {
            var result = await Tokens.ValidateTokenAsync(token, new TokenValidationParameters
            {
                ValidIssuer = clientId,
                ValidAudience = EdgeAccess.Audience,
                ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
                IssuerSigningKey = new ECDsaSecurityKey(key),
                RequireSignedTokens = true,
                LifetimeValidator = IsAlive,

                // Each request has a key object of its own.
                CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
                TryAllIssuerSigningKeys = true,
            });
            return result.IsValid
                ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, clientId)], EdgeAccess.Scheme)), EdgeAccess.Scheme))
                : AuthenticateResult.Fail("not signed by the client's key, or not for now");
        }
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return Results.Problem(
            "Expected Authorization: Bearer with a token that an enrolled client has signed with its key: ES256, sub and iss its id, aud flevents-edge, good for at most 300 s.",
            statusCode: StatusCodes.Status401Unauthorized).ExecuteAsync(Context);
    }

    // Not believed yet: it says whose key to check with.
    private static string? ClientIn(string token)
    {
        try
        {
            return Tokens.ReadJsonWebToken(token).Subject;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private bool IsAlive(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && ((JsonWebToken)token).IssuedAt is var begun && begun != DateTime.MinValue
            && end - begun <= LongestLife && begun <= now + Skew && now < end + Skew && (notBefore is not { } from || from <= now + Skew);
    }
}
