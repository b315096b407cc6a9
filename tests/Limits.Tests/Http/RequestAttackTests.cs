using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace FlEvents.Limits.Tests.Http;

/// <summary>Requests that say two things at once, go where they have no business, or are made to hurt: each is refused, and nothing is as it was not before.</summary>
public sealed class RequestAttackTests(AttackedServices services, ITestOutputHelper output) : IClassFixture<AttackedServices>
{
    private const string Hidden = "GET /metrics HTTP/1.1\r\nHost: hidden\r\n\r\n";

    public static TheoryData<string, string> Ambiguous => new()
    {
        { "two lengths", $"Content-Length: 0\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}" },
        { "the same length twice", "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" },
        { "two lengths in a line", "Content-Length: 0, 5\r\n\r\nhello" },
        { "a negative length", "Content-Length: -5\r\n\r\nhello" },
        { "a length in hexadecimal digits", "Content-Length: 0x5\r\n\r\nhello" },
        { "a length beyond 64 bits", "Content-Length: 18446744073709551621\r\n\r\nhello" },
        { "a folded header", $"X-Folded: a\r\n Content-Length: {Hidden.Length}\r\n\r\n{Hidden}" },
        { "a folded first header", $" X-Folded: a\r\nContent-Length: 0\r\n\r\n{Hidden}" },
        { "a blank before the colon", $"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{Hidden}" },
        { "an unknown coding", $"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{Hidden}" },
        { "chunks that are not last", $"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{Hidden}" },
        { "a header without a colon", $"Content-Length\r\n\r\n{Hidden}" },
        { "a header without a name", $": 5\r\n\r\n{Hidden}" },
        { "a carriage return within a header", $"X-A: a\rContent-Length: 5\r\n\r\n{Hidden}" },
        { "a zero within a header", $"X-A: a\0b\r\n\r\n{Hidden}" },
        { "two hosts", $"Host: other\r\n\r\n{Hidden}" },
    };

    [Theory, MemberData(nameof(Ambiguous))]
    public Task A_request_that_two_readers_could_read_differently_is_refused_and_what_follows_is_not_read(string name, string rest) => services.AttackAsync(async service =>
    {
        foreach (var target in new[] { "GET /alive", "POST /quarantine/aggregator/1/replay" })
        {
            var answer = await RawHttp.SendAsync(service.Url, $"{target} HTTP/1.1\r\nHost: test\r\n{AttackedServices.Authorized}{rest}");
            Assert.True(RawHttp.StatusesOf(answer) is [400], $"{service.Name}, {target}, {name}: {answer}");
        }
    });

    // RFC 9112, 6.1: the chunks count, and the connection ends with the answer.
    [Fact]
    public Task A_request_with_a_length_and_chunks_is_the_last_on_its_connection() => services.AttackAsync(async service =>
    {
        foreach (var lines in new[] { "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n" })
        {
            var answer = await RawHttp.SendAsync(service.Url, $"POST /alive HTTP/1.1\r\nHost: test\r\n{lines}\r\n0\r\n\r\n{Hidden}");
            Assert.True(RawHttp.StatusesOf(answer) is [_], $"{service.Name}: {answer}");
        }
    });

    [Theory]
    [InlineData("zz\r\nhello\r\n0\r\n\r\n")]
    [InlineData("-5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("0x5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("FFFFFFFFFFFFFFFF5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5 \r\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhelloX0\r\n\r\n")]
    [InlineData("\r\nhello\r\n0\r\n\r\n")]
    public Task Chunks_with_a_wrong_size_are_refused_and_what_follows_is_not_read(string chunks) => services.AttackAsync(async service =>
    {
        var (target, expected) = service.Name switch
        {
            "Orchestrator" => ("POST /runs", 400),
            "PrivacyAccountant" => ("PUT /ledger/budgets", 400),
            "Aggregator" => ("PUT /updates/0193b7a0-0000-7000-8000-000000000001", 401),
            _ => ("DELETE /quarantine/client-worker/1", 404),
        };
        var answer = await RawHttp.SendAsync(
            service.Url, $"{target} HTTP/1.1\r\nHost: test\r\n{AttackedServices.Authorized}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{Hidden}");
        Assert.True(RawHttp.StatusesOf(answer) is [var status] && status == expected, $"{service.Name}: {answer}");
    });

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /\0 HTTP/1.1\r\nHost: test\r\n\r\n", 400)]
    [InlineData("GET /%00 HTTP/1.1\r\nHost: test\r\n\r\n", 400)]
    [InlineData("GET http://other/alive HTTP/1.1\r\nHost: test\r\n\r\n", 400)]
    [InlineData("GET /alive HTTP/9.9\r\nHost: test\r\n\r\n", 505)]
    [InlineData("G\u001BT /alive HTTP/1.1\r\nHost: test\r\n\r\n", 400)]
    [InlineData("CONNECT test:80 HTTP/1.1\r\nHost: test:80\r\nConnection: close\r\n\r\n", 401)]
    [InlineData("TRACE /quarantine/ HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", 401)]
    public Task A_request_line_that_is_none_of_ours_is_refused(string request, int expected) => services.AttackAsync(async service =>
    {
        var answer = await RawHttp.SendAsync(service.Url, request);
        Assert.True(RawHttp.StatusesOf(answer) is [var status] && status == expected, $"{service.Name}: {answer}");
    });

    [Fact]
    public Task A_header_too_long_too_many_headers_and_a_target_too_long_are_refused() => services.AttackAsync(async service =>
    {
        Assert.Equal(431, (await RawHttp.AskAsync(service.Url, "GET", "/alive", $"X-Bomb: {new string('x', 40_000)}\r\n")).Status);
        Assert.Equal(431, (await RawHttp.AskAsync(service.Url, "GET", "/alive", string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: 1\r\n")))).Status);
        Assert.Equal(414, (await RawHttp.AskAsync(service.Url, "GET", $"/{new string('x', 20_000)}")).Status);
    });

    [Theory]
    [InlineData("..%2F..%2F..%2F..%2Fetc%2Fpasswd")]
    [InlineData("%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd")]
    [InlineData("..%5C..%5Cetc%5Cpasswd")]
    [InlineData("%252e%252e%252fetc%252fpasswd")]
    [InlineData("..%c0%afetc%c0%afpasswd")]
    [InlineData("%2Fetc%2Fpasswd")]
    [InlineData("....//....//etc/passwd")]
    [InlineData("../../../../etc/passwd")]
    [InlineData("file:%2F%2F%2Fetc%2Fpasswd")]
    public Task An_id_or_the_name_of_a_blob_leads_to_no_other_file(string name) => services.AttackAsync(async service =>
    {
        string[] targets = ["GET /models/{0}", "GET /backup/{0}", "HEAD /updates/{0}", "PUT /updates/{0}", "DELETE /clients/{0}", "GET /runs/{0}", "GET /runs/{0}/model", "GET /ledger/clients/{0}", "GET /quarantine/{0}/1", "POST /quarantine/{0}/1/replay", "GET /openapi/{0}.json"];
        foreach (var target in targets.Select(target => target.Replace("{0}", name, StringComparison.Ordinal).Split(' ')))
        {
            var (status, text) = await RawHttp.AskAsync(service.Url, target[0], target[1], AttackedServices.Authorized);
            Assert.True(status is 400 or 401 or 404 or 405, $"{service.Name}, {target[0]} {target[1]}: {text}");
            Assert.DoesNotContain("root:", text, StringComparison.Ordinal);

            // That of the framework alone is a plain text.
            Assert.True(target[0] == "HEAD" || target[1].StartsWith("/openapi/", StringComparison.Ordinal) || text.Contains("application/problem+json", StringComparison.Ordinal), $"{service.Name}, {target[0]} {target[1]}: {text}");
        }
    });

    [Theory, InlineData("gzip"), InlineData("br"), InlineData("deflate")]
    public Task A_compressed_body_is_not_unpacked(string encoding) => services.AttackAsync(async service =>
    {
        var bomb = Packed(encoding);
        using var http = AttackedServices.Client(service);
        var path = service.Name == "Orchestrator" ? "runs" : "ledger/budgets";
        using var request = new HttpRequestMessage(service.Name == "Orchestrator" ? HttpMethod.Post : HttpMethod.Put, path) { Content = new ByteArrayContent(bomb) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Content.Headers.ContentEncoding.Add(encoding);
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(service.Name is "Orchestrator" or "PrivacyAccountant" ? HttpStatusCode.BadRequest : HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    });

    [Fact]
    public Task JSON_that_is_too_deep_or_has_a_key_twice_is_refused() => services.AttackAsync(async service =>
    {
        if (service.Name is not ("Orchestrator" or "PrivacyAccountant"))
        {
            return;
        }

        using var http = AttackedServices.Client(service);
        var deep = new string('[', 200_000);
        const string Ledger = """{"owner":"north","dataSet":"cases","partitionRule":"whole","partitionSeed":0,"partitionIndex":0}""";
        (HttpMethod Method, string Path, string Body)[] requests = service.Name == "Orchestrator"
            ? [(HttpMethod.Post, "runs", deep), (HttpMethod.Post, "runs", $$"""{"name":{{deep}}"""), (HttpMethod.Post, "runs", """{"name":"a","name":"b"}""")]
            :
            [
                (HttpMethod.Put, "ledger/budgets", deep),
                (HttpMethod.Put, "ledger/budgets", $$"""{"ledger":{{deep}}"""),
                (HttpMethod.Put, "ledger/budgets", $$"""{"ledger":{{Ledger}},"unit":"client","epsilon":1,"delta":1e-5,"epsilon":1000}"""),
                (HttpMethod.Put, "ledger/budgets", $$"""{"ledger":{{Ledger}},"unit":"client","epsilon":1,"delta":1e-5,"EPSILON":1000}"""),
                (HttpMethod.Post, "ledger/quarantine/accept", """{"reason":"a","reason":"b"}"""),
            ];
        foreach (var (method, path, body) in requests)
        {
            using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            output.WriteLine($"{path} {body[..Math.Min(60, body.Length)]}: {text}");
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{path} {body[..Math.Min(60, body.Length)]}: {answer.StatusCode} {text}");
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        }
    });

    [Fact]
    public Task A_key_that_is_not_shown_as_one_is_not_taken() => services.AttackAsync(async service =>
    {
        const string Basic = "Basic ZmxlX2V2ZXJ5dGhpbmc6ZmxlX2V2ZXJ5dGhpbmc=";
        string[] headers = ["", $"X-Api-Key: {AttackedServices.Key}\r\n", $"Cookie: api_key={AttackedServices.Key}\r\n", $"Authorization: {AttackedServices.Key}\r\n", $"Authorization: {Basic}\r\n", $"{AttackedServices.Authorized}{AttackedServices.Authorized}"];
        string[] targets = ["/quarantine/", .. new[] { "api_key", "apikey", "key", "access_token", "token", "authorization" }.Select(name => $"/quarantine/?{name}={AttackedServices.Key}")];
        foreach (var (target, shown) in from target in targets from shown in headers select (target, shown))
        {
            var (status, text) = await RawHttp.AskAsync(service.Url, "GET", target, shown);
            Assert.True(status == 401, $"{service.Name}, {target}, {shown}: {text}");
            Assert.Contains("application/problem+json", text, StringComparison.Ordinal);
            Assert.DoesNotContain(AttackedServices.Key, text, StringComparison.Ordinal);
        }
    });

    // A megabyte of blanks a thousand times; as it comes, a few kilobytes that are no JSON.
    private static byte[] Packed(string encoding)
    {
        using var packed = new MemoryStream();
        using (Stream packing = encoding switch
        {
            "gzip" => new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            _ => new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            var blanks = Encoding.ASCII.GetBytes(new string(' ', 1 << 20));
            for (var i = 0; i < 64; i++)
            {
                packing.Write(blanks);
            }
        }

        return packed.ToArray();
    }
}
