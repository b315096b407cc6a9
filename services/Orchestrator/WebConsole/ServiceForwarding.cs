using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlEvents.Orchestrator.WebConsole;

/// <summary>
/// Asks the services beside this one what the console shows and changes of them, by a fixed list (<see cref="ForwardedPaths"/>) and with the caller's own header: what
/// he may do there is decided, and noted, there. Nothing of this service's own key goes along.
/// </summary>
public sealed class ServiceForwarding(OrchestratorOptions options) : IDisposable
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

    /// <summary>Asks a service, by the caller's method.</summary>
    /// <param name="service">One of <see cref="Services"/>.</param>
    /// <param name="path">Relative, escaped, and one of the list.</param>
    /// <param name="withBody">Whether the caller's body goes along, as JSON.</param>
    /// <returns>The service's own answer, or a problem that says why there is none.</returns>
    public async Task<IResult> SendAsync(string service, string path, HttpRequest asked, bool withBody, CancellationToken cancellationToken)
    {
        var url = new Uri(service == Aggregator ? options.AggregatorUrl : options.LedgerUrl, path + asked.QueryString);
        using var request = new HttpRequestMessage(HttpMethod.Parse(asked.Method), url);
        if (AuthenticationHeaderValue.TryParse(asked.Headers.Authorization, out var caller))
        {
            request.Headers.Authorization = caller;
        }

        if (withBody)
        {
            request.Content = new StreamContent(asked.Body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            return Passed(service, response, await response.Content.ReadAsByteArrayAsync(cancellationToken));
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return Problem(StatusCodes.Status502BadGateway, $"{service} answers with more than {LargestAnswerBytes} bytes; ask for less at a time.");
        }
        catch (HttpRequestException e)
        {
            // Only before the connection was made is it sure that nothing was done.
            return Problem(StatusCodes.Status503ServiceUnavailable, $"{service} cannot be reached.{(e.HttpRequestError == HttpRequestError.ConnectionError ? "" : Doubt(asked))}");
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Problem(StatusCodes.Status504GatewayTimeout, $"{service} did not answer within {LongestAnswer.TotalSeconds} seconds.{Doubt(asked)}");
        }
    }

    private static IResult Passed(string service, HttpResponseMessage response, byte[] body) => response.StatusCode switch
    {
        // Known here and not there: signing in again would not help.
        HttpStatusCode.Unauthorized => Problem(StatusCodes.Status502BadGateway, $"{service} does not know this API key or token."),
        HttpStatusCode.NoContent => TypedResults.NoContent(),
        < HttpStatusCode.InternalServerError when response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json" =>
            TypedResults.Text(body, response.Content.Headers.ContentType.ToString(), (int)response.StatusCode),
        var status => Problem(StatusCodes.Status502BadGateway, $"{service} answers with {(int)status}."),
    };

    private static string Doubt(HttpRequest asked) => HttpMethods.IsGet(asked.Method) ? "" : " Whether it was done is not known: look again.";

    /// <summary>Where a service's own paths are, seen from this service's root: nowhere else in the same process, below <c>services/</c> otherwise.</summary>
    internal static string PathOf(string service, IReadOnlySet<string> here) => here.Contains(service) ? "" : $"services/{service}/";

    internal static ProblemHttpResult Problem(int status, string detail) => TypedResults.Problem(detail, statusCode: status);
}
