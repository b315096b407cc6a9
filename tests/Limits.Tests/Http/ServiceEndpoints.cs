using FlEvents.Aggregator;
using FlEvents.ClientWorker;
using FlEvents.Orchestrator;
using FlEvents.Orchestrator.Edge;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlEvents.Limits.Tests.Http;

/// <summary>One method of one HTTP endpoint, with a path that leads to it.</summary>
/// <param name="Pattern">As it is mapped.</param>
/// <param name="HasBody">Whether it says that it reads one.</param>
/// <param name="Scope">What a caller needs for it; null where nobody is asked.</param>
/// <param name="IsAudited">Whether the audit log is told of every request for it.</param>
/// <param name="IsOfTheEdge">Whether clients without access to the broker need it.</param>
internal sealed record ServiceEndpoint(string Method, string Pattern, string Path, bool HasBody, string? Scope, bool IsAudited, bool IsOfTheEdge)
{
    public required RouteEndpoint Route { get; init; }
}

/// <summary>The endpoints of a service, as its program maps them: a new one is there by itself.</summary>
internal static class ServiceEndpoints
{
    public static readonly string[] Services = ["Orchestrator", "Aggregator", "PrivacyAccountant", "ClientWorker"];

    public static IReadOnlyList<ServiceEndpoint> Of(string service, string folder)
    {
        var app = Compose(service, folder);
        try
        {
            return Of(app);
        }
        finally
        {
            app.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static bool IsOfTheEdge(RouteEndpoint endpoint) =>
        Access.IsOpenToLeases(endpoint) || endpoint.Metadata.GetMetadata<ITagsMetadata>()?.Tags.Contains(EdgeEndpoints.Tag) == true;

    public static IReadOnlyList<ServiceEndpoint> Of(WebApplication app) =>
    [
        .. from source in ((IEndpointRouteBuilder)app).DataSources
           from endpoint in source.Endpoints.OfType<RouteEndpoint>()
           from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]
           let hasBody = method is "PUT" or "PATCH" || endpoint.Metadata.GetMetadata<IAcceptsMetadata>() is not null
           select new ServiceEndpoint(method, endpoint.RoutePattern.RawText!, PathOf(endpoint.RoutePattern), hasBody, ScopeOf(endpoint), Auditing.IsAudited(endpoint), IsOfTheEdge(endpoint)) { Route = endpoint },
    ];

    /// <summary>Kestrel's options as a service sets them.</summary>
    public static async Task<KestrelServerLimits> KestrelLimitsAsync(string service, string folder, params (string Key, string Value)[] settings)
    {
        await using var app = Compose(service, folder, settings: settings);
        return app.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;
    }

    /// <summary>The service as its program composes it, without a bus.</summary>
    /// <param name="adjust">Adds what else the host is to have; null for nothing.</param>
    public static WebApplication Compose(string service, string folder, Action<WebApplicationBuilder>? adjust = null, params IEnumerable<(string Key, string Value)> settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(
        [
            .. Settings(service, Path.Combine(folder, service)),
            .. settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)),
        ]);
        builder.AddServiceDefaults();
        (Action Add, Action<WebApplication> Map) module = service switch
        {
            "Orchestrator" => (builder.AddOrchestrator, app => app.MapOrchestrator()),
            "Aggregator" => (builder.AddAggregator, app => app.MapAggregator()),
            "PrivacyAccountant" => (builder.AddPrivacyAccountant, app => app.MapPrivacyAccountant()),
            _ => (builder.AddClientWorker, app => app.MapClientWorker()),
        };
        module.Add();
        adjust?.Invoke(builder);
        var app = builder.Build();
        app.MapServiceDefaults();
        module.Map(app);
        return app;
    }

    /// <summary>The least that a service needs to be composed, or started without a broker.</summary>
    public static Dictionary<string, string?> Settings(string service, string folder) => new()
    {
        ["Bus:Transport"] = "Memory",
        [$"{service}:DataFolder"] = folder,
        ["ClientWorker:WorkerId"] = "worker-a",
        ["ClientWorker:Pool"] = "client",
        ["ClientWorker:Clients"] = "1",
        ["ClientWorker:DataSets:digits:Kind"] = "digits",
        ["ClientWorker:DataSets:digits:Count"] = "10",
    };

    // Not told, one is closed to strangers and open to every caller: neither is what anyone wants.
    private static string? ScopeOf(Endpoint endpoint) => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null
        ? null
        : endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>() is [{ Policy: { } scope }] ? scope : throw new InvalidOperationException($"{endpoint.DisplayName} names no scope.");

    private static string PathOf(RoutePattern pattern) => PathOf(pattern, ValueOf);

    /// <summary>A path that leads to an endpoint.</summary>
    public static string PathOf(RoutePattern pattern, Func<RoutePatternParameterPart, string> value) => "/" + string.Join('/', pattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part => part switch
    {
        RoutePatternLiteralPart literal => literal.Content,
        RoutePatternSeparatorPart separator => separator.Content,
        RoutePatternParameterPart parameter => value(parameter),
        _ => throw new ArgumentException($"{pattern.RawText} has a part that no value is known for."),
    }))));

    public static string ValueOf(RoutePatternParameterPart parameter) => (parameter.Name, parameter.ParameterPolicies is [var policy, ..] ? policy.Content : null) switch
    {
        (_, "guid") => "0193b7a0-0000-7000-8000-000000000001",
        (_, "long" or "int") => "1",
        ("sha256", _) => new string('0', 64),
        ("clientId", _) => "anna",
        ("service", _) => "aggregator",
        ("path", _) => "app.js",
        ("documentName", _) => "v1",
        _ => throw new ArgumentException($"Say here which value parameter {parameter.Name} of an endpoint takes, so that the endpoint can be tried."),
    };
}
