using System.Globalization;
using System.Text;
using System.Text.Json;
using FlEvents.Learning.Randomness;

namespace FlEvents.Limits.Tests.Http;

/// <summary>Changes to a good request: what a careless or hostile caller puts in the place of its parts.</summary>
internal static class RequestMutation
{
    private const string AnyHeader = "X-Any";

    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "X"];

    private static readonly string[] Segments =
    [
        "", "-", "0", "-1", "1", "9223372036854775807", "9223372036854775808", "1e9", "NaN", "null", "*", "~", "+", "{0}", "a;b=c", "a,b", "..", "...", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "%2F", "%5C", "%25", "%", "%zz", "%0", "%00", "%0d%0aX-Forged:%201", "%1b%5b31m", "%ff%fe", "%c0%af", "%ed%a0%80", "%f4%90%80%80", "%e2%80%ae", "%F0%9F%98%80", "%20", "%09", "\u00ff\u00fe",
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "0193B7A0-0000-7000-8000-000000000001", "%7B0193b7a0-0000-7000-8000-000000000001%7D", "0193b7a000007000800000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000", "ABCDEF", "client-0", "anna", "'%20or%201=1--", "%3Cscript%3E", "a/b", "/", "//", "con", "file:%2F%2F%2Fetc",
    ];

    private static readonly string[] Values =
    [
        "", "0", "1", "-1", "1000", "1001", "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "1e308", "1e309", "-1e308", "1e-320", "0.1", "NaN", "Infinity", "-Infinity",
        "true", "TRUE", "yes", "null", "undefined", "[]", "%00", "%ff", "%ed%a0%80", "%0d%0a", "client", "example", "Client", "0x10", "1,2", "%201", "%D9%A1", "a%26b%3Dc", "%",
    ];

    private static readonly string[] OtherNames = ["after", "limit", "wait", "cohort", "unit", "noiseMultiplier", "samplingProbability", "steps", "x", "", "%00", "runId", "service", "__proto__", "api_key"];

    private static readonly string[] ContentTypes =
    [
        "", "application/json", "text/json", "application/json; charset=utf-16", "application/json; charset=x", "application/json;", "application/problem+json", "text/plain", "application/octet-stream",
        "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "/", "x", "application/json, text/plain", "\u00ff",
    ];

    private static readonly (string Name, string[] Values)[] Headers =
    [
        ("Accept", ["*/*", "text/html", "application/xml", "x;q=2", "", "text/event-stream", "application/json;q=0"]),
        ("Accept-Encoding", ["gzip", "br, gzip;q=0", "*", "x"]),
        ("Accept-Language", ["de", "*", "\u00ff"]),
        ("Range", ["bytes=0-0", "bytes=-1", "bytes=5-2", "bytes=0-18446744073709551615", "bytes=0-1,2-3", "items=0-1", "bytes=999999999-", "bytes=", "x"]),
        ("If-Range", ["\"x\"", "Mon, 01 Jan 2024 00:00:00 GMT", "x"]),
        ("If-Match", ["*", "\"x\"", "x"]),
        ("If-None-Match", ["*", "W/\"x\"", "\"x\", \"y\"", "x", ""]),
        ("If-Modified-Since", ["Mon, 01 Jan 2024 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "x"]),
        ("Last-Event-ID", ["0", "-1", "9223372036854775808", "x", "\u00ff"]),
        ("Idempotency-Key", ["", "k", "again", new string('k', 200), new string('k', 201), "\u00ff"]),
        ("Content-Encoding", ["gzip", "identity", "x"]),
        ("Content-Language", ["x"]),
        ("Expect", ["100-continue", "x"]),
        ("Cookie", ["a=b", "=", new string('c', 4000)]),
        ("Origin", ["http://other", "null"]),
        ("X-Forwarded-For", ["10.0.0.1", "x"]),
        ("X-Forwarded-Proto", ["https"]),
        ("X-HTTP-Method-Override", ["DELETE"]),
        ("Upgrade", ["websocket", "h2c"]),
        ("traceparent", ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0-0-0", "x"]),
        ("Content-Range",
            ["bytes 0-9/10", "bytes 0-0/1", "bytes 5-4/10", "bytes 0-9/*", "bytes */10", "bytes 0-9223372036854775806/9223372036854775807", "bytes 9223372036854775800-9223372036854775806/9223372036854775807",
                "bytes 0-9/9", "items 0-9/10", "bytes 1-10/11", "x", ""]),
        ("Update-Sha256", [new string('0', 64), new string('A', 64), "x", "", "../x"]),
        ("Update-Signature", ["", "x", "e30=", "bnVsbA==", "W10=", "eyJwdWJsaWNLZXkiOm51bGwsInZhbHVlIjpudWxsfQ==", "eyJwdWJsaWNLZXkiOjEsInZhbHVlIjpbXX0=", new string('A', 2048), new string('A', 2052)]),
        ("Lease-Token", ["", "x", "1.", ".1", "1.x", "2147483647.x", "99999999999999999999.x", "\u00ff"]),
        ("Reservation-Id", ["", "x", "00000000-0000-0000-0000-000000000000", "{0193b7a0-0000-7000-8000-000000000001}"]),
        (AnyHeader, ["\u00ff\u00fe", "a\tb", new string('x', 8000)]),
    ];

    /// <summary>One change or more.</summary>
    /// <param name="query">Names that the endpoint reads from the query.</param>
    public static void Apply(FuzzedRequest request, IReadOnlyList<string> query, SeededRandom random)
    {
        for (var changes = 1 + (random.NextInt(5) / 2); changes > 0; changes--)
        {
            switch (random.NextInt(request.Body.Length > 0 ? 16 : 8))
            {
                case 0 or 1:
                    ChangePath(request, random);
                    break;
                case 2 when random.NextInt(3) == 0:
                    request.Method = RequestSeeds.Any(random, Methods);
                    break;
                case 2 or 3 or 4:
                    ChangeQuery(request, query, random);
                    break;
                case 5 or 6 or 7:
                    var (name, values) = RequestSeeds.Any(random, Headers);
                    var value = RequestSeeds.Any(random, values);
                    if (random.NextInt(6) == 0)
                    {
                        request.Headers.Add((name, value));
                    }
                    else
                    {
                        request.Set(name, value);
                    }

                    break;
                case 8:
                    ChangeContentType(request, random);
                    break;
                case 9:
                    request.Framing = RequestSeeds.Any(random, Enum.GetValues<Framing>());
                    break;
                default:
                    ChangeBody(request, random);
                    break;
            }
        }
    }

    private static void ChangePath(FuzzedRequest request, SeededRandom random)
    {
        var segments = request.Path[1..].Split('/');
        var at = random.NextInt(segments.Length);
        segments[at] = random.NextInt(12) switch
        {
            0 => string.Concat(Enumerable.Range(0, 1 + random.NextInt(8)).Select(_ => string.Create(CultureInfo.InvariantCulture, $"%{random.NextInt(256):x2}"))),
            1 => new string('x', 1 + random.NextInt(4000)),
            2 => segments[at].ToUpperInvariant(),
            3 => segments[at] + "/",
            4 => segments[at] + RequestSeeds.Any(random, Segments),
            _ => RequestSeeds.Any(random, Segments),
        };
        request.Path = "/" + string.Join('/', segments);
    }

    private static void ChangeQuery(FuzzedRequest request, IReadOnlyList<string> names, SeededRandom random)
    {
        var name = names.Count > 0 && random.NextInt(4) > 0 ? RequestSeeds.Any(random, names) : RequestSeeds.Any(random, OtherNames);
        var value = random.NextInt(20) == 0 ? new string('9', 1 + random.NextInt(3000)) : RequestSeeds.Any(random, Values);
        var parts = request.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).ToList();
        switch (random.NextInt(6))
        {
            case 0:
                parts.Add(name);
                break;
            case 1:
                parts.Clear();
                break;
            case 2:
                parts.AddRange([$"{name}={value}", $"{name}={RequestSeeds.Any(random, Values)}"]);
                break;
            default:
                parts.RemoveAll(part => part.StartsWith($"{name}=", StringComparison.Ordinal));
                parts.Add($"{name}={value}");
                break;
        }

        request.Query = "?" + string.Join('&', parts);
    }

    private static void ChangeContentType(FuzzedRequest request, SeededRandom random)
    {
        const string Header = "Content-Type";
        var type = RequestSeeds.Any(random, ContentTypes);
        if (random.NextInt(4) == 0)
        {
            request.Headers.RemoveAll(header => header.Name == Header);
        }
        else if (random.NextInt(4) == 0)
        {
            request.Headers.Add((Header, type));
        }
        else
        {
            request.Set(Header, type);
        }
    }

    private static void ChangeBody(FuzzedRequest request, SeededRandom random)
    {
        // What was changed before may have text that no tree of values holds.
        var isJson = request.Body.AsSpan().StartsWith("{"u8) && request.Body.AsSpan().IndexOf("\\"u8) < 0 && IsJson(request.Body);
        request.Body = random.NextInt(16) switch
        {
            0 => [],
            1 => [.. Enumerable.Range(0, 1 + random.NextInt(2000)).Select(_ => (byte)random.NextInt(256))],
            2 => Encoding.ASCII.GetBytes(RequestSeeds.Any(random, "null", "1", "\"x\"", "[]", "{}", "[null]", "{\"\":1}", "true", "1e999", "\"\\ud800\"", "\uFEFF{}")),
            3 => Encoding.ASCII.GetBytes(new string(RequestSeeds.Any(random, '[', '{', '"', ' ', '9'), 1 + random.NextInt(100_000))),
            4 or 5 => ByteMutation.Of(request.Body.Length > 0 ? request.Body : "{}"u8.ToArray(), "{\"a\":[1,\"b\"]}"u8, random),
            _ when isJson => Encoding.UTF8.GetBytes(JsonMutation.Of(Encoding.UTF8.GetString(request.Body), random)),
            _ => ByteMutation.Of(request.Body.Length > 0 ? request.Body : [0], "{\"a\":[1,\"b\"]}"u8, random),
        };
    }

    private static bool IsJson(byte[] body)
    {
        try
        {
            using var parsed = JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
