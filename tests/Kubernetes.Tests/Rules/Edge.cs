using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FlEvents.Limits.Tests.Http;
using FlEvents.Orchestrator.Edge;
using FlEvents.Testing;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>
/// What leads in from outside are Gateways with TLS, and their HTTPRoutes lead to the endpoints that clients without access to the broker need, as the programs
/// map them: to each of them, and to no other.
/// </summary>
public static partial class Edge
{
    private static readonly string[] OtherWays = ["Ingress", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"];
    private static readonly Dictionary<string, string> Programs = new() { ["orchestrator"] = "Orchestrator", ["aggregator"] = "Aggregator", ["privacy-accountant"] = "PrivacyAccountant", ["client-worker"] = "ClientWorker" };
    private static readonly Lazy<Dictionary<string, IReadOnlyList<ServiceEndpoint>>> Endpoints = new(Compose);

    public static IEnumerable<string> Check(Manifest manifest) =>
    [
        .. manifest.Objects.Where(IsAnotherWay).Select(way => $"{way}: only a Gateway and its HTTPRoutes lead in from outside."),
        .. manifest.OfKind("Gateway").SelectMany(gateway => gateway.Spec.Objects("listeners").SelectMany(listener => CheckListener(listener).Select(error => $"{gateway}, listener {listener.Text("name")}: {error}"))),
        .. manifest.OfKind("HTTPRoute").SelectMany(route => CheckRoute(manifest, route).Select(error => $"{route}: {error}")),
        .. manifest.OfKind("HTTPRoute").Any() ? CheckEndpoints(manifest) : [],
    ];

    /// <summary>The pods that a route's rule leads to, and their ports.</summary>
    public static IEnumerable<(Pod Pod, int Port)> BackendsOf(Manifest manifest, KubernetesObject route, JsonObject rule) =>
        from backend in rule.Objects("backendRefs")
        let service = ServiceOf(manifest, route, backend)
        where service is not null
        from port in service.Spec.Objects("ports")
        where port.Number("port") == backend.Number("port")
        from pod in manifest.PodsIn(service.Namespace, new JsonObject { ["matchLabels"] = service.Spec.Object("selector")?.DeepClone() })
        let number = Names.PortOf(pod, port["targetPort"] ?? port["port"])
        where number is not null
        select (pod, number.Value);

    private static bool IsAnotherWay(KubernetesObject known) =>
        OtherWays.Contains(known.Kind) || (known.Kind == "Service" && ((known.Spec.Text("type") ?? "ClusterIP") != "ClusterIP" || known.Spec.ContainsKey("externalIPs")));

    private static IEnumerable<string> CheckListener(JsonObject listener)
    {
        if (listener.Text("protocol") != "HTTPS" || (listener.Text("tls", "mode") ?? "Terminate") != "Terminate")
        {
            yield return "it must be HTTPS, and end TLS itself.";
        }

        var certificates = listener.Objects("tls", "certificateRefs").Select(certificate => certificate.Text("name") ?? "").ToList();
        if (certificates.Count == 0)
        {
            yield return "it has no certificate.";
        }

        foreach (var certificate in certificates.Where(name => !References.IsDocumented("Secret", name)))
        {
            yield return $"docs/kubernetes.md does not ask for Secret/{certificate}.";
        }

        if ((listener.Text("hostname") ?? "*").Contains('*', StringComparison.Ordinal))
        {
            yield return "it must have one host name.";
        }

        if (Lets(listener, End.Stranger.SpaceLabels))
        {
            yield return "any namespace's routes may use it.";
        }
    }

    private static IEnumerable<string> CheckRoute(Manifest manifest, KubernetesObject route)
    {
        var listeners = route.Spec.Objects("parentRefs").Select(parent => ListenerOf(manifest, route, parent)).ToList();
        if (listeners.Count == 0 || listeners.Any(listener => listener is null || !Lets(listener, manifest.LabelsOf(route.Namespace))))
        {
            yield return "its Gateway has no such listener that lets it in.";
        }

        if (!route.Spec.Texts("hostnames").SequenceEqual(listeners.OfType<JsonObject>().Select(listener => listener.Text("hostname") ?? "").Distinct()))
        {
            yield return "its host names must be those of its listeners.";
        }

        foreach (var rule in route.Spec.Objects("rules"))
        {
            if (rule.ContainsKey("filters") || rule.Objects("backendRefs").Any(backend => backend.ContainsKey("filters")))
            {
                yield return "filters can lead elsewhere.";
            }

            foreach (var backend in rule.Objects("backendRefs").Where(backend => ServiceOf(manifest, route, backend)?.Spec.Objects("ports").Any(port => port.Number("port") == backend.Number("port")) != true))
            {
                yield return $"there is no Service/{backend.Text("name")} with port {backend.Text("port")}.";
            }

            if (!rule.Objects("matches").Any() || rule.Objects("matches").Any(match => match.Text("method") is null || match.Text("path", "type") is not ("Exact" or "PathPrefix")))
            {
                yield return "each match must name a method, and a path of type Exact or PathPrefix.";
            }
        }
    }

    private static IEnumerable<string> CheckEndpoints(Manifest manifest)
    {
        var led = (from route in manifest.OfKind("HTTPRoute")
                   from rule in route.Spec.Objects("rules")
                   from program in BackendsOf(manifest, route, rule).SelectMany(backend => backend.Pod.Containers).Select(Pod.ServiceOf).OfType<string>().Distinct()
                   from endpoint in Endpoints.Value.GetValueOrDefault(program) ?? []
                   where !rule.Objects("matches").Any() || rule.Objects("matches").Any(match => Matches(match, endpoint))
                   select (Route: route, Rule: rule, Program: program, Endpoint: endpoint)).ToList();
        var needed = from program in Endpoints.Value from endpoint in program.Value where endpoint.IsOfTheEdge select (Program: program.Key, Endpoint: endpoint);
        return
        [
            .. led.Where(way => !way.Endpoint.IsOfTheEdge).Select(way => $"{way.Route} leads to {way.Endpoint.Method} {way.Endpoint.Pattern} of the {way.Program}."),
            .. needed.Except(led.Select(way => (way.Program, way.Endpoint))).Select(missing => $"No HTTPRoute leads to {missing.Endpoint.Method} {missing.Endpoint.Pattern} of the {missing.Program}."),
            .. led.Where(way => IsTooShort(way.Endpoint, TimeoutOf(way.Rule))).Select(way => $"{way.Route} ends {way.Endpoint.Method} {way.Endpoint.Pattern} of the {way.Program} too soon."),
        ];
    }

    // A controller's own timeout, where none is named, is often 15 s.
    private static bool IsTooShort(ServiceEndpoint endpoint, TimeSpan? timeout) => timeout is not { } longest
        || (longest > TimeSpan.Zero && (endpoint.Pattern.StartsWith("/edge/", StringComparison.Ordinal) ? longest <= TimeSpan.FromSeconds(EdgeEndpoints.LongestWaitSeconds) : longest < TimeSpan.FromDays(1)));

    /// <summary>How long a request may take; 0 for as long as it wants, null where that is the controller's to say.</summary>
    private static TimeSpan? TimeoutOf(JsonObject rule) => rule.Text("timeouts", "request") is not { } text ? null
        : Duration().Matches(text).Aggregate(TimeSpan.Zero, (sum, part) => sum + int.Parse(part.Groups["count"].Value, CultureInfo.InvariantCulture) * part.Groups["unit"].Value switch
        {
            "h" => TimeSpan.FromHours(1),
            "m" => TimeSpan.FromMinutes(1),
            "s" => TimeSpan.FromSeconds(1),
            _ => TimeSpan.FromMilliseconds(1),
        });

    private static bool Matches(JsonObject match, ServiceEndpoint endpoint)
    {
        var path = match.Text("path", "value") ?? "/";
        return (match.Text("method") ?? endpoint.Method) == endpoint.Method
            && (endpoint.Path == path || (match.Text("path", "type") != "Exact" && endpoint.Path.StartsWith($"{path.TrimEnd('/')}/", StringComparison.Ordinal)));
    }

    private static bool Lets(JsonObject listener, IReadOnlyDictionary<string, string> space) => listener.Text("allowedRoutes", "namespaces", "from") switch
    {
        "All" => true,
        "Selector" => Selector.Matches(listener.Object("allowedRoutes", "namespaces", "selector") ?? [], space),
        _ => false,
    };

    private static JsonObject? ListenerOf(Manifest manifest, KubernetesObject route, JsonObject parent) =>
        manifest.Find("Gateway", parent.Text("name") ?? "", parent.Text("namespace") ?? route.Namespace)?.Spec.Objects("listeners").FirstOrDefault(listener => listener.Text("name") == parent.Text("sectionName"));

    private static KubernetesObject? ServiceOf(Manifest manifest, KubernetesObject route, JsonObject backend) =>
        manifest.Services.FirstOrDefault(service => service.Name == backend.Text("name") && service.Namespace == (backend.Text("namespace") ?? route.Namespace));

    private static Dictionary<string, IReadOnlyList<ServiceEndpoint>> Compose()
    {
        using var folder = new TemporaryFolder();
        return Programs.ToDictionary(program => program.Key, program => ServiceEndpoints.Of(program.Value, folder.Path));
    }

    [GeneratedRegex(@"(?<count>\d+)(?<unit>ms|h|m|s)")]
    private static partial Regex Duration();
}
