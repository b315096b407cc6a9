using System.ComponentModel.DataAnnotations;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>Section <c>Security</c>: who may call a service over HTTP. Without a key and an issuer anyone who reaches its address may do everything.</summary>
public sealed class SecurityOptions
{
    public const string Section = "Security";

    /// <summary>API keys by the name of who holds them, which the audit log shows.</summary>
    public Dictionary<string, ApiKeyOptions> ApiKeys { get; set; } = [];

    /// <summary>Tokens of an identity provider; null where none is trusted.</summary>
    public JwtOptions? Jwt { get; set; }

    /// <summary>
    /// Lets the API listen beyond loopback without TLS: where a mesh or an ingress ends TLS in front of it, or the network is this deployment's alone. Whoever
    /// is on the way reads keys and updates.
    /// </summary>
    public bool AllowPlaintext { get; set; }

    /// <summary>Lets the API listen beyond loopback and ask nobody who he is: for a network that lets nobody else near.</summary>
    public bool AllowAnonymous { get; set; }

    /// <summary>Requests a second that a known caller may send on and on; those for blobs not counted.</summary>
    [Range(0.001, 1_000_000.0)]
    public double RequestsPerSecond { get; set; } = 500;

    /// <summary>Requests that a known caller may send at once, after a pause.</summary>
    [Range(1, 1_000_000)]
    public int RequestsAtOnce { get; set; } = 2000;

    /// <summary>Requests a second that may come from one address without a key or token that is known.</summary>
    [Range(0.001, 1_000_000.0)]
    public double StrangersRequestsPerSecond { get; set; } = 20;

    /// <summary>Requests that may come from such an address at once.</summary>
    [Range(1, 1_000_000)]
    public int StrangersRequestsAtOnce { get; set; } = 200;

    /// <summary>Whether nobody is asked who he is.</summary>
    public bool IsOpen => ApiKeys.Count == 0 && Jwt is null;

    internal static IEnumerable<string> Check(SecurityOptions options)
    {
        foreach (var (name, key) in options.ApiKeys)
        {
            if (!ApiKey.IsHash(key.Sha256))
            {
                yield return $"ApiKeys:{name}:Sha256 is \"{key.Sha256}\": it must be the 64 hexadecimal digits that flevents api-key prints.";
            }

            foreach (var error in CheckScopes(name, key.Scopes))
            {
                yield return error;
            }
        }

        foreach (var twice in options.ApiKeys.GroupBy(key => key.Value.Sha256, StringComparer.OrdinalIgnoreCase).Where(keys => keys.Count() > 1))
        {
            yield return $"ApiKeys: {string.Join(" and ", twice.Select(key => key.Key))} are one key; everyone needs a key of his own.";
        }

        foreach (var error in options.Jwt?.Check() ?? [])
        {
            yield return error;
        }
    }

    private static IEnumerable<string> CheckScopes(string name, string text)
    {
        var scopes = Split(text);
        return scopes.Length == 0
            ? [$"ApiKeys:{name}:Scopes is empty: it must name some of {string.Join(", ", Security.Scopes.All)}."]
            : scopes.Except(Security.Scopes.All).Select(unknown => $"ApiKeys:{name}:Scopes has \"{unknown}\": it must be of {string.Join(", ", Security.Scopes.All)}.");
    }

    internal static string[] Split(string scopes) => scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>One API key. The service knows its hash alone.</summary>
public sealed class ApiKeyOptions
{
    /// <summary>SHA-256 of the key's text, 64 hexadecimal digits. A key has 256 random bits, so no slower hash is needed.</summary>
    public string Sha256 { get; set; } = "";

    /// <summary>Scopes, separated by blanks.</summary>
    public string Scopes { get; set; } = "";
}

/// <summary>Whose tokens are believed.</summary>
public sealed class JwtOptions
{
    /// <summary>The only issuer (<c>iss</c>) whose tokens count.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>The only audience (<c>aud</c>) for which tokens count.</summary>
    public string Audience { get; set; } = "";

    /// <summary>The issuer's OpenID configuration (<c>https://…/.well-known/openid-configuration</c>), from which its keys are fetched and renewed.</summary>
    public Uri? MetadataUrl { get; set; }

    /// <summary>A file with the issuer's public keys (JWKS), read at start: for issuers that cannot be reached.</summary>
    public string? KeysFile { get; set; }

    internal IEnumerable<string> Check()
    {
        if (Issuer.Length == 0)
        {
            yield return "Jwt:Issuer is empty: it must be the iss of the tokens.";
        }

        if (Audience.Length == 0)
        {
            yield return "Jwt:Audience is empty: it must be the aud of the tokens.";
        }

        if (MetadataUrl is null == KeysFile is null)
        {
            yield return "Jwt needs one of MetadataUrl and KeysFile.";
        }

        if (MetadataUrl is { } url && !(url.IsAbsoluteUri && (url.Scheme == Uri.UriSchemeHttps || url.IsLoopback)))
        {
            yield return $"Jwt:MetadataUrl is \"{url}\": it must be an https address.";
        }

        if (KeysFile is { } file && !File.Exists(file))
        {
            yield return $"Jwt:KeysFile is \"{file}\": there is no such file.";
        }
    }
}
