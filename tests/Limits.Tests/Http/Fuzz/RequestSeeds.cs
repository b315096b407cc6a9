using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Contracts;
using FlEvents.Contracts.Tests;
using FlEvents.EndToEnd.Tests;
using FlEvents.Learning.Randomness;
using FlEvents.Orchestrator.Edge;
using FlEvents.PrivacyAccountant;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace FlEvents.Limits.Tests.Http;

/// <summary>Good requests to whatever endpoint there is, about what a service knows.</summary>
internal sealed class RequestSeeds(PreparedState state)
{
    private static readonly byte[] Update = [.. Enumerable.Range(0, 3000).Select(i => (byte)(i * 7))];
    private static readonly string[] Files = ["index.html", "app.js", "settings.json", "views/runs.js", "", "a/b/c"];
    private static readonly string[] Databases = ["orchestrator", "aggregator", "privacy-accountant", "client-worker"];

    /// <summary>A good request, but for who sends it.</summary>
    public FuzzedRequest Of(ServiceEndpoint endpoint, SeededRandom random)
    {
        var lease = Any(random, state.Leases);
        var request = new FuzzedRequest
        {
            Method = endpoint.Method,
            Path = ServiceEndpoints.PathOf(endpoint.Route.RoutePattern, parameter => ValueOf(endpoint, parameter, lease.ReservationId, random)),
            Query = QueryOf(endpoint, random),
        };
        if (endpoint.Route.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType is { } body)
        {
            request.Body = BodyOf(endpoint, body, random);
            request.Framing = Framing.Length;
            request.Headers.Add(("Content-Type", "application/json"));
        }
        else if (endpoint.HasBody)
        {
            AddBlob(request, random);
        }
        else if (endpoint.Method is not ("GET" or "HEAD"))
        {
            request.Framing = Framing.Length;
        }

        return request;
    }

    /// <summary>Says who sends a request to an endpoint.</summary>
    /// <param name="isAllowed">Whether it is one who may.</param>
    public void Authorize(FuzzedRequest request, ServiceEndpoint endpoint, bool isAllowed, SeededRandom random)
    {
        const string Header = "Authorization";
        if (endpoint.Scope is null)
        {
            AuthorizeOpen(request, endpoint, isAllowed, random);
        }
        else if (isAllowed)
        {
            request.Set(Header, $"Bearer {(endpoint.Scope == EdgeAccess.Policy ? state.EdgeToken() : FuzzedHost.Key)}");
        }
        else
        {
            var isEdge = endpoint.Scope == EdgeAccess.Policy;
            switch (random.NextInt(8))
            {
                case 0:
                    break;
                case 1:
                    request.Set(Header, $"Bearer {Any(random, "fle_unknown", "", "x", "fle_", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0.", new string('x', 5000), "\u00ff\u00fe")}");
                    break;
                case 2:
                    request.Set(Header, Any(random, "Basic ZmxlX2V2ZXJ5dGhpbmc6", FuzzedHost.Key, "bearer", "Bearer", "Negotiate x"));
                    break;
                case 3:
                    request.Set(Header, $"Bearer {FuzzedHost.Key}");
                    request.Headers.Add((Header, $"Bearer {FuzzedHost.Key}"));
                    break;
                case 4:
                    request.Set(Header, $"Bearer {state.WrongEdgeToken(isOver: random.NextInt(2) == 0)}");
                    break;
                case 5:
                    // Damaged, so that nobody has signed it.
                    request.Set(Header, $"Bearer {state.EdgeToken()[1..]}");
                    break;
                default:
                    request.Set(Header, $"Bearer {(isEdge ? FuzzedHost.Key : FuzzedHost.KeyWithout(endpoint.Scope))}");
                    break;
            }
        }
    }

    // What opens these comes with the request.
    private void AuthorizeOpen(FuzzedRequest request, ServiceEndpoint endpoint, bool isAllowed, SeededRandom random)
    {
        if (endpoint.Pattern.StartsWith("/models/", StringComparison.Ordinal) || endpoint.Pattern.StartsWith("/updates/", StringComparison.Ordinal))
        {
            var lease = state.Leases.FirstOrDefault(lease => request.Path.Contains(lease.ReservationId.ToString(), StringComparison.Ordinal));
            var token = lease.Token ?? state.Leases[0].Token;
            request.Set("Lease-Token", isAllowed ? token : Any(random, "", "x", "1.", "2." + token[2..], token + "0", token[..^1], "99999999999.x", "-1.x"));
            if (endpoint.Method == "GET" && isAllowed && random.NextInt(2) == 0)
            {
                request.Set("Authorization", $"Bearer {FuzzedHost.Key}");
            }
            else if (endpoint.Method == "GET")
            {
                request.Set("Reservation-Id", isAllowed ? $"{state.Leases[0].ReservationId}" : Any(random, $"{Guid.Empty}", "x", $"{state.Leases[0].ReservationId}"));
            }
        }
        else if (!isAllowed && request.Body.Length > 0 && Encoding.UTF8.GetString(request.Body) is var body && body.Contains(state.Enrolment.Token, StringComparison.Ordinal))
        {
            request.Body = Encoding.UTF8.GetBytes(body.Replace(state.Enrolment.Token, Any(random, "", "fli_", state.Enrolment.Token[..^1], new string('f', 68)), StringComparison.Ordinal));
        }
    }

    /// <summary>Names of what an endpoint reads from the query, with a good value each.</summary>
    public static IEnumerable<(string Name, string Value, bool IsRequired)> QueryValues(RouteEndpoint route) =>
        from parameter in route.Metadata.GetMetadata<MethodInfo>()?.GetParameters() ?? []
        let type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType
        where (type.IsPrimitive || type == typeof(string)) && parameter.GetCustomAttribute<FromHeaderAttribute>() is null && route.RoutePattern.GetParameter(parameter.Name!) is null
        select (parameter.Name!, parameter.Name == "unit" ? "client" : type == typeof(bool) ? "true" : type == typeof(double) ? "0.5" : type == typeof(string) ? "x" : "1", !parameter.HasDefaultValue);

    public static T Any<T>(SeededRandom random, params IReadOnlyList<T> values) => values[random.NextInt(values.Count)];

    private static string QueryOf(ServiceEndpoint endpoint, SeededRandom random)
    {
        // A forwarded request takes its query along.
        var values = QueryValues(endpoint.Route).ToList();
        if (endpoint.Pattern.EndsWith("/forecast", StringComparison.Ordinal) && values.Count == 0)
        {
            values = [("unit", "client", true), ("noiseMultiplier", "0.5", true)];
        }

        var given = values.Where(value => value.IsRequired || random.NextInt(2) == 0).Select(value => $"{value.Name}={value.Value}").ToList();
        return given.Count == 0 ? "" : $"?{string.Join('&', given)}";
    }

    private string ValueOf(ServiceEndpoint endpoint, RoutePatternParameterPart parameter, Guid reservationId, SeededRandom random) => parameter.Name switch
    {
        "runId" => $"{Any(random, state.Runs)}",
        "roundId" => $"{Any(random, state.Rounds)}",
        "reservationId" => $"{reservationId}",
        "sha256" => state.ModelSha256,
        "clientId" when endpoint.Pattern.EndsWith("/approve", StringComparison.Ordinal) => PreparedState.Waiting,
        "clientId" => Any(random, state.Clients),
        "id" => random.NextInt(20).ToString(CultureInfo.InvariantCulture),
        "service" => Any(random, Databases),
        "path" => Any(random, Files),
        _ => ServiceEndpoints.ValueOf(parameter),
    };

    private static void AddBlob(FuzzedRequest request, SeededRandom random)
    {
        var first = random.NextInt(3) == 0 ? random.NextInt(Update.Length) : 0;
        var last = random.NextInt(2) == 0 ? Update.Length : first + 1 + random.NextInt(Update.Length - first);
        request.Body = Update[first..last];
        request.Framing = random.NextInt(4) == 0 ? Framing.Chunks : Framing.Length;
        request.Headers.Add(("Content-Type", "application/octet-stream"));
        request.Headers.Add(("Content-Range", $"bytes {first}-{last - 1}/{Update.Length}"));
        if (random.NextInt(2) == 0)
        {
            request.Headers.Add(("Update-Sha256", Product.Sha256(Update)));
        }
    }

    private byte[] BodyOf(ServiceEndpoint endpoint, Type type, SeededRandom random) => JsonSerializer.SerializeToUtf8Bytes<object>(
        type == typeof(RunSpec) ? TinyRun.Body()
        : type == typeof(EnrolmentRequest) ? state.Enrolment
        : type == typeof(Invitation) ? new Invitation { ClientId = Any(random, state.Clients), Owner = "north" }
        : type == typeof(Approval) ? new Approval { KeySha256 = state.WaitingKeySha256 }
        : type == typeof(EdgeLease) ? new EdgeLease { LeaseNumber = 1 }
        : type == typeof(EdgeEnd) ? new EdgeEnd { LeaseNumber = 1, ReasonCode = "FAILED", Detail = "It did not work." }
        : type == typeof(EdgeUpdate) ? new EdgeUpdate
        {
            LeaseNumber = 1,
            Update = new BlobRef { Sha256 = Product.Sha256(Update), SizeBytes = Update.Length },
            ExampleCount = 10,
            TrainingLoss = 0.5,
            Signature = new UpdateSignature { PublicKey = state.Enrolment.PublicKey, ExampleCount = 10, Nonce = new string('0', 32), IssuedAt = 1, Value = state.Enrolment.Signature },
        }
        : type == typeof(BudgetRequest) || type == typeof(JsonObject) ? Budget(random)
        : Sample.Of(type),
        JsonSerializerOptions.Web);

    private static BudgetRequest Budget(SeededRandom random) => new()
    {
        Ledger = new LedgerIdentity { Owner = "north", DataSet = $"data-{random.NextInt(20)}", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 },
        Unit = random.NextInt(2) == 0 ? PrivacyUnit.Example : PrivacyUnit.Client,
        Epsilon = 1 + random.NextInt(5),
        Delta = 1e-5,
    };
}
