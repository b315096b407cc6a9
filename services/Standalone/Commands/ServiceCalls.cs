using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Commands;

/// <summary>Calls a deployment's services, with the API key that the environment or a secret's file names.</summary>
internal static class ServiceCalls
{
    /// <summary>Variable with the key. It is no option: what a command is given can be seen by everyone on the machine.</summary>
    public const string KeyVariable = "FLEVENTS_API_KEY";

    /// <param name="timeout">Longest wait for an answer; 100 s where absent.</param>
    public static HttpClient To(Uri url, TimeSpan? timeout = null)
    {
        var http = new HttpClient(new Refusals(new SocketsHttpHandler())) { BaseAddress = url };
        http.Timeout = timeout ?? http.Timeout;
        return ApiKey.Show(http, Environment.GetEnvironmentVariable(KeyVariable) ?? SecretFiles.Read(KeyVariable));
    }

    /// <summary>Asks a service, and says in one line when it does not answer as expected.</summary>
    /// <param name="service">What is there.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> AskAsync(string service, Uri url, Func<HttpClient, Task<int>> ask)
    {
        using var http = To(url);
        try
        {
            return await ask(http);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            await System.Console.Error.WriteLineAsync($"The {service} at {url} did not answer as expected: {e.Message}");
            return ExitCode.Failed;
        }
    }

    /// <summary>Says why a caller was turned away, in the service's own words.</summary>
    private sealed class Refusals(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = Believed(() => base.Send(request, cancellationToken));
            if (IsRefusal(response))
            {
                using var body = response.Content.ReadAsStream(cancellationToken);
                throw RefusalOf(response, JsonSerializer.Deserialize<Problem>(body, JsonSerializerOptions.Web));
            }

            return response;
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await BelievedAsync(base.SendAsync(request, cancellationToken));
            return IsRefusal(response)
                ? throw RefusalOf(response, await response.Content.ReadFromJsonAsync<Problem>(JsonSerializerOptions.Web, cancellationToken))
                : response;
        }

        private static HttpResponseMessage Believed(Func<HttpResponseMessage> call)
        {
            try
            {
                return call();
            }
            catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.SecureConnectionError)
            {
                throw Unbelieved(e);
            }
        }

        private static async Task<HttpResponseMessage> BelievedAsync(Task<HttpResponseMessage> call)
        {
            try
            {
                return await call;
            }
            catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.SecureConnectionError)
            {
                throw Unbelieved(e);
            }
        }

        // What the platform says first is that there is an inner exception.
        private static HttpRequestException Unbelieved(HttpRequestException e) => new(
            e.HttpRequestError, $"{e.GetBaseException().Message.TrimEnd('.')}. Where its certificate is of a private authority, name that one's PEM file in SSL_CERT_FILE.", e);

        private static bool IsRefusal(HttpResponseMessage response) =>
            response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.TooManyRequests && response.Content.Headers.ContentType?.MediaType == "application/problem+json";

        private static HttpRequestException RefusalOf(HttpResponseMessage response, Problem? problem)
        {
            var hint = response.StatusCode == HttpStatusCode.Unauthorized ? $" Set {KeyVariable}." : "";
            return new HttpRequestException($"{problem?.Detail ?? response.ReasonPhrase}{hint}", inner: null, response.StatusCode);
        }
    }

    private sealed record Problem
    {
        public string? Detail { get; init; }
    }
}
