using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>
/// Refuses what a page of another site has a reader's browser do (docs/security.md). Where keys are asked for no such page has one; where nobody is asked, a
/// form on any page could else stop runs on the reader's own machine.
/// </summary>
internal static class OtherSites
{
    internal static void Use(WebApplication app)
    {
        var isOpen = app.Services.GetRequiredService<IOptions<SecurityOptions>>().Value.IsOpen;
        app.Use((http, next) =>
            Changes(http.Request) && IsOfAnotherSite(http.Request) ? RefuseAsync(http, StatusCodes.Status403Forbidden, "A page of another site asks for this.")
            : isOpen && IsRebound(http) ? RefuseAsync(http, StatusCodes.Status421MisdirectedRequest, $"Host is \"{PrintableText.Of(http.Request.Host.Host, 256)}\"; expected localhost or an address of this machine, for nobody is asked for a key here.")
            : next(http));
    }

    private static bool Changes(HttpRequest request) => !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);

    // Browsers say where a request comes from, by the first of these where they trust the way to us, and by the second always; nothing else says either.
    private static bool IsOfAnotherSite(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"] is [{ } site] ? site is not ("same-origin" or "none")
        : request.Headers.Origin is [{ } origin] && !(Uri.TryCreate(origin, UriKind.Absolute, out var from) && new HostString(from.Authority) == WithoutDefaultPort(request.Host, from));

    private static HostString WithoutDefaultPort(HostString host, Uri from) => from.IsDefaultPort && host.Port == from.Port ? new HostString(host.Host) : host;

    /// <summary>Whether another site's name was made to lead to this machine, so that its pages count as ours.</summary>
    private static bool IsRebound(HttpContext http) =>
        http.Connection.LocalIpAddress is { } here && IPAddress.IsLoopback(here)
        && !(http.Request.Host.Host is "" or "localhost" || IPAddress.TryParse(http.Request.Host.Host.Trim('[', ']'), out _));

    private static Task RefuseAsync(HttpContext http, int status, string detail) => Results.Problem(detail, statusCode: status).ExecuteAsync(http);
}
