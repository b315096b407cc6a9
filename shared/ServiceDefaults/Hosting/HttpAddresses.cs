using System.Net;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace FlEvents.ServiceDefaults.Hosting;

/// <summary>Where the HTTP API is to listen and with which certificate, by the settings that the server itself reads.</summary>
internal static class HttpAddresses
{
    private const string Endpoints = "Kestrel:Endpoints";
    private const string Certificate = "Kestrel:Certificates:Default";

    /// <summary>The addresses, such as <c>https://+:8080</c>.</summary>
    public static IReadOnlyList<string> Of(IConfiguration configuration)
    {
        // The server listens on no other where there are any of these.
        var endpoints = configuration.GetSection(Endpoints).GetChildren().Select(endpoint => endpoint["Url"]).OfType<string>().ToList();
        return endpoints.Count > 0 ? endpoints : (configuration[WebHostDefaults.ServerUrlsKey] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>Whether only this machine reaches an address.</summary>
    public static bool IsLocal(string address) =>
        TryParse(address) is { } parsed
        && (parsed.IsUnixPipe || parsed.IsNamedPipe || parsed.Host == "localhost" || (IPAddress.TryParse(parsed.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip)));

    public static bool IsEncrypted(string address) => TryParse(address)?.Scheme == Uri.UriSchemeHttps;

    /// <summary>What is wrong with the server's certificate, as a sentence; null where it is sound or none is needed.</summary>
    public static string? CertificateDefect(IConfiguration configuration)
    {
        var (path, keyPath) = (configuration[$"{Certificate}:Path"], configuration[$"{Certificate}:KeyPath"]);
        if (configuration[$"{Certificate}:Password"] is not null || configuration[$"{Certificate}:Subject"] is not null)
        {
            // The server's other forms of a certificate, which it checks itself.
            return null;
        }

        if (path is not null || keyPath is not null)
        {
            return PemFile.DefectOfPair($"{Certificate}:Path", path, $"{Certificate}:KeyPath", keyPath);
        }

        return !configuration.GetSection(Endpoints).GetChildren().Any() && Of(configuration).FirstOrDefault(IsEncrypted) is { } address
            ? $"The API is to listen on {address} without a certificate: set Kestrel__Certificates__Default__Path and Kestrel__Certificates__Default__KeyPath to its PEM files."
            : null;
    }

    private static BindingAddress? TryParse(string address)
    {
        try
        {
            return BindingAddress.Parse(address);
        }
        catch (FormatException)
        {
            // The server says so when it starts.
            return null;
        }
    }
}
