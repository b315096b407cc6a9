using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Json;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FlEvents.ServiceDefaults.Tests.Security;

public sealed class AccessTests : IDisposable
{
    private const string Issuer = "https://id.example.org";
    private const string Audience = "flevents";
    private const string Reader = "fle_reader";
    private const string Writer = "fle_writer";

    private static readonly JsonWebTokenHandler Maker = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly TemporaryFolder _folder = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _other = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        _key.Dispose();
        _other.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(null, "Expected Authorization: Bearer with an API key or a token.")]
    [InlineData("Basic YTpi", "Expected Authorization: Bearer with an API key or a token.")]
    [InlineData("Bearer fle_another", "The API key or token is not known here, or no longer good.")]
    [InlineData("Bearer fle_reader x", "The API key or token is not known here, or no longer good.")]
    [InlineData("Bearer ", "Expected Authorization: Bearer with an API key or a token.")]
    public async Task Who_shows_no_known_key_is_asked_for_one(string? authorization, string detail)
    {
        await using var host = await StartAsync(Keys());
        using var answer = await AskAsync(host, "/read", authorization);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
        Assert.Equal(detail, await DetailAsync(answer));
    }

    [Fact]
    public async Task A_key_opens_what_its_scopes_name_and_nothing_else()
    {
        await using var host = await StartAsync(Keys());
        using var read = await AskAsync(host, "/read", $"Bearer {Reader}");
        Assert.Equal("reader", await read.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        using var write = await AskAsync(host, "/write", $"Bearer {Reader}");
        Assert.Equal(HttpStatusCode.Forbidden, write.StatusCode);
        Assert.Equal("reader may do runs:read, ledger:read; this needs runs:write.", await DetailAsync(write));

        using var written = await AskAsync(host, "/write", $"Bearer {Writer}");
        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        using var unread = await AskAsync(host, "/read", $"Bearer {Writer}");
        Assert.Equal(HttpStatusCode.Forbidden, unread.StatusCode);
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    [InlineData("/metrics")]
    public async Task What_a_cluster_asks_needs_no_key(string path)
    {
        await using var host = await StartAsync(Keys());
        using var answer = await AskAsync(host, path, authorization: null);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task An_endpoint_that_names_no_scope_is_closed_to_strangers()
    {
        await using var host = await StartAsync(Keys());
        using var answer = await AskAsync(host, "/forgotten", authorization: null);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task Without_keys_and_issuer_nobody_is_asked()
    {
        await using var host = await StartAsync([]);
        using var answer = await AskAsync(host, "/write", authorization: null);
        Assert.Equal(Access.Anyone, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_token_of_the_issuer_opens_what_its_scopes_name()
    {
        await using var host = await StartAsync(Tokens());
        using var read = await AskAsync(host, "/read", $"Bearer {Token(_key)}");
        Assert.Equal("ada", await read.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        using var write = await AskAsync(host, "/write", $"Bearer {Token(_key)}");
        Assert.Equal("ada may do runs:read; this needs runs:write.", await DetailAsync(write));

        // A key goes on being good beside it.
        using var key = await AskAsync(host, "/read", $"Bearer {Reader}");
        Assert.Equal(HttpStatusCode.OK, key.StatusCode);
    }

    [Fact]
    public async Task A_token_that_is_not_the_issuers_for_this_audience_and_now_opens_nothing()
    {
        await using var host = await StartAsync(Tokens());
        string[] tokens =
        [
            Token(_other),
            Token(_key, issuer: "https://id.example.com"),
            Token(_key, audience: "another"),
            Token(_key, expires: new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc)),
            Token(_key, notBefore: new DateTime(2198, 1, 1, 0, 0, 0, DateTimeKind.Utc)),
            Token(_key, issuer: null),
            Token(_key, audience: null),
            Endless(),
            WithItsOwnKey(),
            Unsigned(),
            SignedWithThePublicKey(),
            Token(_key)[..^4],
            "a.b.c",
        ];
        foreach (var token in tokens)
        {
            using var answer = await AskAsync(host, "/read", $"Bearer {token}");
            Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, $"{answer.StatusCode}: {token}");
        }
    }

    [Fact]
    public async Task Settings_that_let_nobody_in_or_the_wrong_one_are_all_told()
    {
        var settings = new Dictionary<string, string?>
        {
            ["Security:ApiKeys:ada:Sha256"] = "abc",
            ["Security:ApiKeys:ada:Scopes"] = "runs:read runs:delete",
            ["Security:ApiKeys:ben:Sha256"] = ApiKey.Hash(Reader),
            ["Security:ApiKeys:cleo:Sha256"] = ApiKey.Hash(Reader),
            ["Security:ApiKeys:cleo:Scopes"] = "runs:read",
            ["Security:Jwt:Issuer"] = Issuer,
            ["Security:Jwt:MetadataUrl"] = "http://id.example.org/",
        };
        var refusal = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(async () => await StartAsync(settings));
        Assert.Equal(
            [
                """Security: ApiKeys:ada:Sha256 is "abc": it must be the 64 hexadecimal digits that flevents api-key prints.""",
                """Security: ApiKeys:ada:Scopes has "runs:delete": it must be of runs:read, runs:write, ledger:read, ledger:admin, blobs:client.""",
                "Security: ApiKeys:ben:Scopes is empty: it must name some of runs:read, runs:write, ledger:read, ledger:admin, blobs:client.",
                "Security: ApiKeys: ben and cleo are one key; everyone needs a key of his own.",
                "Security: Jwt:Audience is empty: it must be the aud of the tokens.",
                """Security: Jwt:MetadataUrl is "http://id.example.org/": it must be an https address.""",
            ],
            refusal.Failures);
    }

    private static Dictionary<string, string?> Keys() => new()
    {
        ["Security:ApiKeys:reader:Sha256"] = ApiKey.Hash(Reader),
        ["Security:ApiKeys:reader:Scopes"] = "runs:read ledger:read",
        ["Security:ApiKeys:writer:Sha256"] = ApiKey.Hash(Writer).ToUpperInvariant(),
        ["Security:ApiKeys:writer:Scopes"] = " runs:write ",
    };

    private Dictionary<string, string?> Tokens()
    {
        var file = _folder.File("keys.json");
        var key = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(new ECDsaSecurityKey(ECDsa.Create(_key.ExportParameters(includePrivateParameters: false))));
        File.WriteAllText(file, JsonSerializer.Serialize(new { keys = new[] { new { kty = key.Kty, crv = key.Crv, x = key.X, y = key.Y } } }));
        return new(Keys())
        {
            ["Security:Jwt:Issuer"] = Issuer,
            ["Security:Jwt:Audience"] = Audience,
            ["Security:Jwt:KeysFile"] = file,
        };
    }

    private static string Token(ECDsa key, string? issuer = Issuer, string? audience = Audience, DateTime? expires = null, DateTime? notBefore = null)
    {
        var claims = Claims(issuer, audience, expires, new SigningCredentials(new ECDsaSecurityKey(key), SecurityAlgorithms.EcdsaSha256));
        claims.NotBefore = notBefore;
        return Maker.CreateToken(claims);
    }

    private string Endless()
    {
        var claims = Claims(Issuer, Audience, expires: null, new SigningCredentials(new ECDsaSecurityKey(_key), SecurityAlgorithms.EcdsaSha256));
        claims.Expires = null;
        return Maker.CreateToken(claims);
    }

    // Signed well, by a key that the token itself brings along.
    private string WithItsOwnKey()
    {
        var key = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(new ECDsaSecurityKey(_other));
        var claims = Claims(Issuer, Audience, expires: null, new SigningCredentials(new ECDsaSecurityKey(_other), SecurityAlgorithms.EcdsaSha256));
        claims.AdditionalHeaderClaims = new Dictionary<string, object> { ["jwk"] = JsonSerializer.SerializeToElement(new { kty = key.Kty, crv = key.Crv, x = key.X, y = key.Y }) };
        return Maker.CreateToken(claims);
    }

    private static string Unsigned() => Maker.CreateToken(Claims(Issuer, Audience, expires: null, signing: null));

    // The old trick: a public key taken for a shared secret.
    private string SignedWithThePublicKey() => Maker.CreateToken(Claims(
        Issuer, Audience, expires: null, new SigningCredentials(new SymmetricSecurityKey(_key.ExportSubjectPublicKeyInfo()), SecurityAlgorithms.HmacSha256)));

    private static SecurityTokenDescriptor Claims(string? issuer, string? audience, DateTime? expires, SigningCredentials? signing) => new()
    {
        Issuer = issuer,
        Audience = audience,
        Expires = expires ?? new DateTime(2199, 1, 1, 0, 0, 0, DateTimeKind.Utc),
        SigningCredentials = signing,
        Claims = new Dictionary<string, object> { ["sub"] = "ada", ["scope"] = "openid runs:read" },
    };

    private static async Task<WebApplication> StartAsync(Dictionary<string, string?> settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(settings);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapGet("/read", (ClaimsPrincipal caller) => caller.Identity!.Name).RequireScope(Scopes.RunsRead);
        app.MapGet("/write", (ClaimsPrincipal caller) => caller.Identity!.Name).RequireScope(Scopes.RunsWrite);
        app.MapGet("/forgotten", () => "secret");
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    private static async Task<HttpResponseMessage> AskAsync(WebApplication host, string path, string? authorization)
    {
        using var http = new HttpClient { BaseAddress = new Uri(host.Urls.First()) };
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task<string?> DetailAsync(HttpResponseMessage answer)
    {
        Assert.Equal(new MediaTypeHeaderValue("application/problem+json"), answer.Content.Headers.ContentType);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("detail").GetString();
    }
}
