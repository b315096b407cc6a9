using System.Globalization;
using System.Text.Json.Nodes;
using FlEvents.Orchestrator.Edge;
using FlEvents.ServiceDefaults.Security;

namespace FlEvents.Orchestrator.WebConsole;

/// <summary>The list of what can be asked of other services. Each asks here for the scope that it asks for there, so that nobody tries his key there through us.</summary>
public static class ForwardedPaths
{
    /// <param name="here">Services whose endpoints are mapped in this process.</param>
    public static void MapForwarding(this IEndpointRouteBuilder app, IReadOnlySet<string> here)
    {
        foreach (var service in ServiceForwarding.Services.Where(service => !here.Contains(service)))
        {
            app.Forward("GET", service, "quarantine/", Scopes.RunsRead);
            app.ForwardMessage("GET", service, "", Scopes.RunsRead);
            app.ForwardMessage("POST", service, "/replay", Scopes.RunsWrite);
            app.ForwardMessage("DELETE", service, "", Scopes.RunsWrite);
        }

        if (!here.Contains(ServiceForwarding.PrivacyAccountant))
        {
            app.Forward("GET", ServiceForwarding.PrivacyAccountant, "ledger/head", Scopes.LedgerRead);
            app.Forward("GET", ServiceForwarding.PrivacyAccountant, "ledger/entries", Scopes.LedgerRead);
            app.Forward("GET", ServiceForwarding.PrivacyAccountant, "ledger/quarantine/", Scopes.LedgerRead);
            app.Forward("PUT", ServiceForwarding.PrivacyAccountant, "ledger/budgets", Scopes.LedgerAdmin);
            app.ForwardClient("");
            app.ForwardClient("/forecast");
        }
    }

    private static void Forward(this IEndpointRouteBuilder app, string method, string service, string path, string scope)
    {
        var withBody = method == "PUT";
        var endpoint = app.Map(method, service, path, scope, (HttpRequest request, ServiceForwarding services, CancellationToken cancellationToken) =>
            services.SendAsync(service, path, request, withBody, cancellationToken));
        if (withBody)
        {
            endpoint.Accepts<JsonObject>("application/json");
        }
    }

    private static void ForwardMessage(this IEndpointRouteBuilder app, string method, string service, string rest, string scope) => app.Map(
        method, service, $"quarantine/{service}/{{id:long}}{rest}", scope, (long id, HttpRequest request, ServiceForwarding services, CancellationToken cancellationToken) =>
            services.SendAsync(service, string.Create(CultureInfo.InvariantCulture, $"quarantine/{service}/{id}{rest}"), request, withBody: false, cancellationToken));

    private static void ForwardClient(this IEndpointRouteBuilder app, string rest) => app.Map(
        "GET",
        ServiceForwarding.PrivacyAccountant,
        $"ledger/clients/{{clientId}}{rest}",
        Scopes.LedgerRead,
        async (string clientId, HttpRequest request, ServiceForwarding services, CancellationToken cancellationToken) => DeclaredData.NamePattern().IsMatch(clientId)
            ? await services.SendAsync(ServiceForwarding.PrivacyAccountant, $"ledger/clients/{clientId}{rest}", request, withBody: false, cancellationToken)
            : ServiceForwarding.Problem(StatusCodes.Status400BadRequest, $"clientId is \"{clientId}\": it must be 1 to 64 of a-z, 0-9 and -."));

    private static RouteHandlerBuilder Map(this IEndpointRouteBuilder app, string method, string service, string path, string scope, Delegate handler)
    {
        var endpoint = app.MapMethods($"/services/{service}/{path}", [method], handler).ExcludeFromDescription().RequireScope(scope);
        return method == "GET" ? endpoint : endpoint.Audited();
    }
}
