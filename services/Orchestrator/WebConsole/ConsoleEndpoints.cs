using System.Security.Claims;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace FlEvents.Orchestrator.WebConsole;

/// <summary>Serves the web console (docs/console.md): files that everyone may have, which show nothing without the key of who looks.</summary>
public static class ConsoleEndpoints
{
    private const string Page = "index.html";
    private const string Folder = "console/";

    /// <summary>Only this service's own files run, and only this service is asked: what is shown comes from clients and operators, and none of it is trusted.</summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    public static void MapWebConsole(this WebApplication app)
    {
        // Where the modules share a process their endpoints are here already.
        var here = app.Services.GetServices<ProcessDatabase>().Select(own => own.Database.Name).ToHashSet(StringComparer.Ordinal);
        var settings = new ConsoleSettings
        {
            IsOpen = app.Services.GetRequiredService<IOptions<SecurityOptions>>().Value.IsOpen,
            LedgerPath = ServiceForwarding.PathOf(ServiceForwarding.PrivacyAccountant, here),
            QuarantinePaths = [.. ServiceForwarding.Services.Select(service => ServiceForwarding.PathOf(service, here)).Prepend("").Distinct()],
        };
        app.MapForwarding(here);
        app.MapGet("/", () => TypedResults.Redirect(Folder)).ExcludeFromDescription().AllowAnonymous();
        app.MapGet("/console/settings.json", () => TypedResults.Ok(settings)).ExcludeFromDescription().AllowAnonymous();
        app.MapGet("/console/session.json", Session).ExcludeFromDescription().AllowAnonymous();
        app.MapGet("/console/{**path}", Serve).ExcludeFromDescription().AllowAnonymous();
    }

    // By itself and not by a scope: whoever is known at all is let in, and shown what his scopes open.
    private static Results<Ok<ConsoleSession>, ChallengeHttpResult> Session(ClaimsPrincipal caller) => Access.IsKnown(caller)
        ? TypedResults.Ok(new ConsoleSession { Name = caller.Identity!.Name ?? "", Scopes = [.. Access.ScopesOf(caller)] })
        : TypedResults.Challenge();

    private static Results<FileContentHttpResult, RedirectHttpResult, ProblemHttpResult> Serve(HttpContext http, string? path)
    {
        if (path is null && !http.Request.Path.Value!.EndsWith('/'))
        {
            return TypedResults.Redirect(Folder);
        }

        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-cache";
        return ConsoleFiles.All.TryGetValue(path ?? Page, out var file)
            ? TypedResults.Bytes(file.Content, file.Type, entityTag: file.Tag)
            : TypedResults.Problem("The console has no such file.", statusCode: StatusCodes.Status404NotFound);
    }
}

/// <summary>What the console needs to know before anybody has signed in. Paths are relative to the service's root.</summary>
public record ConsoleSettings
{
    /// <summary>Whether nobody is asked who he is.</summary>
    public required bool IsOpen { get; init; }

    /// <summary>Where <c>ledger/…</c> is.</summary>
    public required string LedgerPath { get; init; }

    /// <summary>Where <c>quarantine/</c> is, of each process that can be asked.</summary>
    public required IReadOnlyList<string> QuarantinePaths { get; init; }
}

/// <summary>Who looks, and what the console offers him. What he may do is decided where it is done.</summary>
public record ConsoleSession
{
    public required string Name { get; init; }
    public required IReadOnlyList<string> Scopes { get; init; }
}
