using System.ComponentModel;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>Has the audit log told of requests before they are carried out, and shows it (docs/security.md).</summary>
public static class Auditing
{
    /// <summary>Most rows in one answer.</summary>
    public const int LargestPage = 1000;

    /// <summary>Every request that comes to this endpoint is in the audit log, or is not carried out.</summary>
    public static TBuilder Audited<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new Mark());

    public static bool IsAudited(Endpoint endpoint) => endpoint.Metadata.GetMetadata<Mark>() is not null;

    internal static void Use(WebApplication app) => app.Use(async (http, next) =>
    {
        if (http.GetEndpoint() is not { } endpoint || !IsAudited(endpoint))
        {
            await next(http);
            return;
        }

        var audit = http.RequestServices.GetRequiredService<AuditTrail>();
        var reads = endpoint.Metadata.GetMetadata<IAcceptsMetadata>() is not null;
        if (await audit.AskedAsync(http, reads ? await ReadBodyAsync(http) : null) is not { } asked)
        {
            http.Response.Headers.RetryAfter = "10";
            await Results.Problem("The audit log can't be written now, so nothing was done.", statusCode: StatusCodes.Status503ServiceUnavailable).ExecuteAsync(http);
            return;
        }

        // Before the caller has the answer. The server comes to it as well where he has gone.
        http.Response.OnStarting(() => audit.AnsweredAsync(asked, http.Response.StatusCode));
        await next(http);
    });

    internal static void Map(IEndpointRouteBuilder app) => app.MapGet("/audit", Page).WithTags("Audit")
        .WithSummary("The audit log: rows that follow a sequence, in order. Reading it makes no row.").RequireScope(Scopes.LedgerAdmin);

    private static Results<Ok<IReadOnlyList<AuditRow>>, ProblemHttpResult> Page(
        AuditTrail audit,
        [Description("Sequence of the last row already read; 0 for none.")] long after = 0,
        [Description("Most rows to return, 1 to 1000.")] int limit = 100) =>
        after < 0 ? BadRequest($"after is {after}: it must be 0 or more.")
        : limit is < 1 or > LargestPage ? BadRequest($"limit is {limit}: it must be from 1 to {LargestPage}.")
        : TypedResults.Ok(audit.Page(after, limit));

    private static ProblemHttpResult BadRequest(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);

    /// <summary>Takes in the body, which the server bounds, and leaves it to be read once more.</summary>
    /// <returns>Its SHA-256; null where there is none.</returns>
    /// <exception cref="BadHttpRequestException">It is too large, or comes too slowly.</exception>
    private static async Task<string?> ReadBodyAsync(HttpContext http)
    {
        // Grows with what has come: a connection that sends nothing must not cost a megabyte.
        var body = new MemoryStream();
        http.Response.RegisterForDispose(body);
        try
        {
            await http.Request.Body.CopyToAsync(body, bufferSize: 4096, http.RequestAborted);
        }
        catch (IOException e) when (e.InnerException is OverflowException)
        {
            // So the server tells of a chunk whose size no number holds; any other wrong size it tells as a bad request.
            throw new BadHttpRequestException(e.Message, e);
        }

        http.Request.Body = body;
        body.Position = 0;
        return body.Length == 0 ? null : Convert.ToHexStringLower(SHA256.HashData(body.GetBuffer().AsSpan(0, (int)body.Length)));
    }

    private sealed record Mark;
}
