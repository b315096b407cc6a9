using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlEvents.Orchestrator.WebConsole;

/// <summary>
/// Asks the services beside this one what the console shows of them, by a fixed list of GET paths and with the caller's own header: what he may see there is
/// decided there. Nothing of this service's own key goes along.
/// </summary>
public sealed partial class ServiceForwarding(OrchestratorOptions options) : IDisposable
{
    public const string PrivacyAccountant = "privacy-accountant";
    public const string Aggregator = "aggregator";

    /// <summary>The services that can be asked.</summary>
    public static readonly IReadOnlyList<string> Services = [Aggregator, PrivacyAccountant];

    /// <summary>The largest answer that is passed on, 4 MiB: more than a thousand ledger entries.</summary>
    public const int LargestAnswerBytes = 4 << 20;

    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ConnectTimeout = LongestConnect,
        MaxConnectionsPerServer = 32,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = LongestAnswer,
        MaxResponseContentBufferSize = LargestAnswerBytes,
    };

    public void Dispose() => _http.Dispose();

    /// <summary>Asks a service.</summary>
    /// <param name="service">One of <see cref="Services"/>.</param>
    /// <param name="path">Relative, escaped, and one of the list.</param>
    /// <returns>The service's own answer, or a problem that says why there is none.</returns>
    public async Task<IResult> GetAsync(string service, string path, HttpRequest asked, CancellationToken cancellationToken)
    {
        var url = new Uri(service == Aggregator ? options.AggregatorUrl : options.LedgerUrl, path + asked.QueryString);
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (AuthenticationHeaderValue.TryParse(asked.Headers.Authorization, out var caller))
        {
            request.Headers.Authorization = caller;
        }

        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            return response.StatusCode switch
            {
                // Known here and not there: signing in again would not help.
                HttpStatusCode.Unauthorized => Problem(StatusCodes.Status502BadGateway, $"{service} does not know this API key or token."),
                < HttpStatusCode.InternalServerError when response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json" =>
                    TypedResults.Text(body, response.Content.Headers.ContentType.ToString(), (int)response.StatusCode),
                var status => Problem(StatusCodes.Status502BadGateway, $"{service} answers with {(int)status}."),
            };
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return Problem(StatusCodes.Status502BadGateway, $"{service} answers with more than {LargestAnswerBytes} bytes; ask for less at a time.");
        }
        catch (HttpRequestException)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, $"{service} cannot be reached.");
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Problem(StatusCodes.Status504GatewayTimeout, $"{service} did not answer within {LongestAnswer.TotalSeconds} seconds.");
        }
    }

    /// <summary>Where a service's own paths are, seen from this service's root: nowhere else in the same process, below <c>services/</c> otherwise.</summary>
    internal static string PathOf(string service, IReadOnlySet<string> here) => here.Contains(service) ? "" : $"services/{service}/";

    internal static ProblemHttpResult Problem(int status, string detail) => TypedResults.Problem(detail, statusCode: status);

    /// <summary>Whether a text is a client's name, and so no way to another path.</summary>
    internal static bool IsClientId(string text) => ClientId().IsMatch(text);

    [GeneratedRegex("^[a-z0-9-]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex ClientId();
}

/// <summary>The list of what can be asked of other services.</summary>
public static class ForwardedPaths
{
    /// <param name="here">Services whose endpoints are mapped in this process.</param>
    public static void MapForwarding(this IEndpointRouteBuilder app, IReadOnlySet<string> here)
    {
        foreach (var service in ServiceForwarding.Services.Where(service => !here.Contains(service)))
        {
            app.Forward(service, "quarantine/", Scopes.RunsRead);
        }

        if (!here.Contains(ServiceForwarding.PrivacyAccountant))
        {
            app.Forward(ServiceForwarding.PrivacyAccountant, "ledger/head", Scopes.LedgerRead);
            app.Forward(ServiceForwarding.PrivacyAccountant, "ledger/entries", Scopes.LedgerRead);
            app.Forward(ServiceForwarding.PrivacyAccountant, "ledger/quarantine/", Scopes.LedgerRead);
            app.ForwardOfClient("");
            app.ForwardOfClient("/forecast");
        }
    }

    private static void Forward(this IEndpointRouteBuilder app, string service, string path, string scope) => app
        .MapGet($"/services/{service}/{path}", (HttpRequest request, ServiceForwarding services, CancellationToken cancellationToken) =>
            services.GetAsync(service, path, request, cancellationToken))
        .ExcludeFromDescription().RequireScope(scope);

    private static void ForwardOfClient(this IEndpointRouteBuilder app, string rest) => app
        .MapGet($"/services/{ServiceForwarding.PrivacyAccountant}/ledger/clients/{{clientId}}{rest}",
            async (string clientId, HttpRequest request, ServiceForwarding services, CancellationToken cancellationToken) => ServiceForwarding.IsClientId(clientId)
                ? await services.GetAsync(ServiceForwarding.PrivacyAccountant, $"ledger/clients/{clientId}{rest}", request, cancellationToken)
                : ServiceForwarding.Problem(StatusCodes.Status400BadRequest, $"clientId is \"{clientId}\": it must be 1 to 64 of a-z, 0-9 and -."))
        .ExcludeFromDescription().RequireScope(Scopes.LedgerRead);
}
