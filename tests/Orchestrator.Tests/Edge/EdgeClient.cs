using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Edge;

namespace FlEvents.Orchestrator.Tests.Edge;

/// <summary>A client beyond the HTTPS edge, written after docs/enrolment.md.</summary>
internal sealed class EdgeClient(HttpClient http, string clientId) : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string PublicKey => ClientKey.PublicOf(_key);

    public string KeySha256 => ClientKey.NameOf(PublicKey)!;

    public void Dispose() => _key.Dispose();

    public EnrolmentRequest Request(string token, int examples = 100, string dataSet = "digits") => new()
    {
        Token = token,
        PublicKey = PublicKey,
        DataSets = [new DeclaredData { DataSet = dataSet, ExampleCount = examples }],
        Signature = ClientKey.Sign(_key, $"enrol-v1|{token}|{PublicKey}"),
    };

    /// <summary>Is invited, enrols and is approved.</summary>
    public async Task JoinAsync(string owner)
    {
        using var invited = await http.PostAsJsonAsync("enrolments", new { clientId, owner });
        var token = (await invited.Content.ReadFromJsonAsync<InvitationView>(JsonSerializerOptions.Web))!.Token;
        using var enrolled = await http.PostAsJsonAsync("edge/enrolment", Request(token));
        Assert.Equal(202, (int)enrolled.StatusCode);
        using var approved = await http.PostAsJsonAsync($"enrolments/{clientId}/approve", new { keySha256 = KeySha256 });
        Assert.Equal(200, (int)approved.StatusCode);
    }

    /// <summary>Asks as this client.</summary>
    /// <param name="body">Of a POST; null for a GET.</param>
    /// <param name="token">In place of a good one.</param>
    public async Task<HttpResponseMessage> AskAsync(string path, object? body = null, string? token = null)
    {
        using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? Token());
        return await http.SendAsync(request);
    }

    public async Task<EdgeTasksView> TasksAsync(int wait = 0)
    {
        using var answer = await AskAsync($"edge/tasks?wait={wait}");
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<EdgeTasksView>(JsonSerializerOptions.Web))!;
    }

    /// <summary>A token that this client makes.</summary>
    public string Token(string? subject = null, string? issuer = null, string audience = "flevents-edge", int fromSeconds = 0, int lifeSeconds = 300, string algorithm = "ES256", bool isSigned = true)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var head = Encode(JsonSerializer.SerializeToUtf8Bytes(new { alg = algorithm, typ = "JWT", kid = KeySha256 }));
        var claims = Encode(JsonSerializer.SerializeToUtf8Bytes(new { iss = issuer ?? clientId, sub = subject ?? clientId, aud = audience, iat = now + fromSeconds, exp = now + fromSeconds + lifeSeconds }));
        var signature = isSigned ? _key.SignData(Encoding.ASCII.GetBytes($"{head}.{claims}"), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation) : [];
        return $"{head}.{claims}.{Encode(signature)}";
    }

    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
