using System.Net;
using System.Security.Claims;
using FlEvents.ServiceDefaults.Metrics;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>Who calls a service over HTTP, and what he may do: an API key or a token, and the scopes that go with it (docs/security.md).</summary>
public static partial class Access
{
    /// <summary>Name of every caller where nobody is asked.</summary>
    public const string Anyone = "anyone";

    internal const string BearerScheme = "Bearer";
    private const string ApiKeyScheme = "ApiKey";
    private const string OpenScheme = "Open";
    private const string AnyScheme = "Any";
    private const string ScopeClaim = "scope";

    // As identity providers write it: RFC 8693 (scope, a text with blanks) and Entra's scp.
    private static readonly string[] TokenScopes = [ScopeClaim, "scp"];

    /// <summary>Only a caller with the scope comes to this endpoint.</summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoint, string scope)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireAuthorization(scope);

    /// <summary>A task's lease token opens this endpoint, or what else it asks for: nobody has to be known.</summary>
    public static TBuilder OpenToLeases<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.AllowAnonymous().WithMetadata(new LeaseMark());

    /// <summary>Who calls this endpoint is known in a way of its own, and by no API key or token.</summary>
    public static TBuilder WithCallersOf<TBuilder>(this TBuilder endpoint, string scheme)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new CallersMark(scheme));

    internal static void Add(IServiceCollection services)
    {
        services.AddValidatedOptions<SecurityOptions>(SecurityOptions.Section, SecurityOptions.Check);
        Exposure.Add(services);
        services.AddSingleton<ApiKeyRing>();
        services.AddSingleton<AuditTrail>();
        services.AddServiceMetrics<AccessMetrics>();
        RateLimits.Add(services);

        // Without what AddAuthentication adds for cookies: keys of its own, which it would look for on a disk that cannot be written.
        services.AddAuthenticationCore(authentication => authentication.DefaultScheme = AnyScheme);
        services.AddWebEncoders();
        services.AddSingleton<IAuthenticationConfigurationProvider, NoSchemeSettings>();
        new AuthenticationBuilder(services)
            .AddPolicyScheme(AnyScheme, displayName: null, any =>
            {
                any.ForwardDefaultSelector = SchemeOf;
                any.ForwardChallenge = ApiKeyScheme;
                any.ForwardForbid = ApiKeyScheme;
            })
            .AddScheme<AuthenticationSchemeOptions, OpenHandler>(OpenScheme, configureOptions: null)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyScheme, configureOptions: null)
            .AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme).Configure<IOptions<SecurityOptions>>((bearer, security) => Believe(bearer, security.Value.Jwt));
        services.AddAuthorization(authorization =>
        {
            foreach (var scope in Scopes.All)
            {
                authorization.AddPolicy(scope, policy => policy.RequireAuthenticatedUser().RequireClaim(ScopeClaim, scope));
            }

            // An endpoint that names no scope is open to nobody by mistake.
            authorization.FallbackPolicy = new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build();
        });
    }

    internal static void Use(WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<SecurityOptions>>().Value.IsOpen)
        {
            app.Lifetime.ApplicationStarted.Register(() => WarnOfStrangers(app));
        }

        OtherSites.Use(app);
        app.UseAuthentication();
        RateLimits.Use(app);
        app.UseAuthorization();
        Auditing.Use(app);
    }

    internal static ClaimsPrincipal Caller(string name, IEnumerable<string> scopes) =>
        new(new ClaimsIdentity([new(ClaimTypes.Name, name), .. scopes.Select(scope => new Claim(ScopeClaim, scope))], ApiKeyScheme));

    /// <summary>Scopes of a caller; none of a stranger.</summary>
    public static IEnumerable<string> ScopesOf(ClaimsPrincipal caller) => caller.FindAll(ScopeClaim).Select(scope => scope.Value).Where(Scopes.All.Contains);

    /// <summary>Whether somebody has shown a key or a token that is good here.</summary>
    public static bool IsKnown(ClaimsPrincipal caller) => caller.Identity?.IsAuthenticated == true;

    /// <summary>Whether a task's lease token opens it.</summary>
    public static bool IsOpenToLeases(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<LeaseMark>() is not null;

    /// <summary>Scopes that an endpoint asks for; none where anybody is let in.</summary>
    internal static IEnumerable<string> NeededScopes(Endpoint? endpoint) =>
        endpoint?.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(required => required.Policy).OfType<string>() ?? [];

    /// <summary>Address on the other side of the connection; what a proxy says of others is not believed.</summary>
    internal static IPAddress? AddressOf(HttpContext http) =>
        http.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : http.Connection.RemoteIpAddress;

    /// <returns>Null where the request has no such header.</returns>
    internal static string? BearerOf(HttpRequest request)
    {
        const string Start = $"{BearerScheme} ";
        return request.Headers.Authorization is [{ } header] && header.StartsWith(Start, StringComparison.OrdinalIgnoreCase) ? header[Start.Length..].Trim() : null;
    }

    private static string SchemeOf(HttpContext http)
    {
        var options = http.RequestServices.GetRequiredService<IOptions<SecurityOptions>>().Value;
        return http.GetEndpoint()?.Metadata.GetMetadata<CallersMark>() is { } own ? own.Scheme
            : options.IsOpen ? OpenScheme
            : options.Jwt is null || BearerOf(http.Request) is not { } token || token.StartsWith(ApiKey.Prefix, StringComparison.Ordinal) ? ApiKeyScheme
            : JwtBearerDefaults.AuthenticationScheme;
    }

    private static void WarnOfStrangers(WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Access));
        foreach (var url in app.Urls.Where(url => !(Uri.TryCreate(url, UriKind.Absolute, out var address) && address.IsLoopback)))
        {
            LogOpen(log, url);
        }
    }

    private static void Believe(JwtBearerOptions bearer, JwtOptions? jwt)
    {
        bearer.MapInboundClaims = false;
        bearer.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = jwt?.Issuer,
            ValidAudience = jwt?.Audience,
            NameClaimType = "sub",
            RequireSignedTokens = true,
            RequireExpirationTime = true,

            // Public keys only: with a symmetric one whoever can check a token could make one.
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256],
            IssuerSigningKeys = jwt?.KeysFile is { } file ? new JsonWebKeySet(File.ReadAllText(file)).GetSigningKeys() : null,
        };
        if (jwt?.MetadataUrl is { } url)
        {
            bearer.MetadataAddress = url.ToString();
            bearer.RequireHttpsMetadata = !url.IsLoopback;
        }

        bearer.Events = new JwtBearerEvents { OnTokenValidated = Spread };
    }

    // Scopes come as one text; each is to be a claim.
    private static Task Spread(TokenValidatedContext context)
    {
        var identity = (ClaimsIdentity)context.Principal!.Identity!;
        var given = identity.Claims.Where(claim => TokenScopes.Contains(claim.Type)).ToList();
        given.ForEach(identity.RemoveClaim);
        identity.AddClaims(given.SelectMany(claim => SecurityOptions.Split(claim.Value)).Distinct().Select(scope => new Claim(ScopeClaim, scope)));
        return Task.CompletedTask;
    }

    private sealed record LeaseMark;

    private sealed record CallersMark(string Scheme);

    /// <summary>Section Security alone says whom to believe.</summary>
    private sealed class NoSchemeSettings : IAuthenticationConfigurationProvider
    {
        public IConfiguration AuthenticationConfiguration { get; } = new ConfigurationBuilder().Build();
    }

    [LoggerMessage(LogLevel.Warning, "Anyone who reaches {url} may do everything here: no API key and no issuer of tokens is configured (section Security).")]
    private static partial void LogOpen(ILogger log, string url);
}
