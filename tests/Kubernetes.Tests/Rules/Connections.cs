using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>Which connections an overlay needs: from the addresses in variables and arguments, the monitors, and what the product's pages promise.</summary>
public static partial class Connections
{
    // What docs/kubernetes.md asks the secrets to hold that are not in the repository.
    private const string DocumentedBroker = "amqps://rabbitmq.flevents:5671/flevents";

    // Of an address without a port.
    private static readonly Dictionary<string, int> UsualPorts = new() { ["amqp"] = 5672, ["amqps"] = 5671, ["http"] = 80, ["https"] = 443 };

    // Erlang's name server, and the nodes' own connections.
    private static readonly int[] BetweenBrokers = [4369, 25672];

    public static IEnumerable<Connection> Of(Manifest manifest) =>
    [
        .. manifest.Pods.SelectMany(pod => Addresses(manifest, pod).SelectMany(address => Resolve(manifest, pod, address) ?? [])),
        .. from pod in manifest.Pods
           from port in End.Dns.Ports
           select new Connection(End.Of(manifest, pod), End.Dns, port.Protocol, port.Number),
        .. from monitor in manifest.OfKind("PodMonitor")
           from pod in manifest.PodsIn(monitor.Namespace, monitor.Spec.Object("selector") ?? [])
           from endpoint in monitor.Spec.Objects("podMetricsEndpoints")
           from number in Numbers(pod, endpoint.Text("port"))
           select new Connection(End.Prometheus, End.Of(manifest, pod), "TCP", number),
        // A Prometheus without the operator finds the same pods by their labels.
        .. from pod in manifest.Pods
           where !manifest.OfKind("PodMonitor").Any() && pod.Owner.Name != "silo-worker"
           from number in Numbers(pod, pod.Ports.ContainsKey("prometheus") ? "prometheus" : "http")
           select new Connection(End.Prometheus, End.Of(manifest, pod), "TCP", number),
        .. from pod in manifest.Pods
           where pod.Owner.Kind == "RabbitmqCluster"
           from number in BetweenBrokers
           select new Connection(End.Of(manifest, pod), End.Of(manifest, pod), "TCP", number),
        .. from pod in manifest.Pods
           where pod.Owner.Kind == "RabbitmqCluster"
           select new Connection(End.BrokerOperator, End.Of(manifest, pod), "TCP", pod.Ports["management"]),
        .. from pod in manifest.Pods
           where pod.Containers.Any(container => Pod.ServiceOf(container) == "orchestrator")
           from number in Numbers(pod, "http")
           select new Connection(End.ApiClient, End.Of(manifest, pod), "TCP", number),
        .. from route in manifest.OfKind("HTTPRoute")
           from rule in route.Spec.Objects("rules")
           from backend in Edge.BackendsOf(manifest, route, rule)
           from gateway in manifest.OfKind("Gateway")
           select new Connection(End.OfGateway(manifest, gateway), End.Of(manifest, backend.Pod), "TCP", backend.Port),
    ];

    /// <summary>Addresses that lead to no service of the overlay.</summary>
    public static IEnumerable<string> Unresolved(Manifest manifest) =>
        from pod in manifest.Pods
        from address in Addresses(manifest, pod)
        where Resolve(manifest, pod, address) is null
        select $"{pod}: no Service has the address {address.Groups["host"]}:{PortOf(address)}.";

    private static IEnumerable<Match> Addresses(Manifest manifest, Pod pod) =>
        from container in pod.Containers
        let variables = manifest.VariablesOf(pod, container)
        from text in variables.Where(variable => variable.Key != "ASPNETCORE_URLS").Select(variable => variable.Value ?? (variable.Key == "Bus__RabbitMqUrl" ? DocumentedBroker : ""))
            .Concat(container.Texts("args"))
        from address in Address().Matches(text)
        select address;

    private static List<Connection>? Resolve(Manifest manifest, Pod pod, Match address)
    {
        var host = address.Groups["host"].Value.Split('.');
        var space = host.Length > 1 ? host[1] : pod.Namespace;
        var service = manifest.Services.FirstOrDefault(known => known.Name == host[0] && known.Namespace == space);
        var port = service?.Spec.Objects("ports").FirstOrDefault(known => known.Number("port") == PortOf(address));
        return port is null ? null :
        [
            .. from target in manifest.Pods
               where target.Namespace == space && Selector.Matches(service!.Spec.Map("selector"), target.Labels)
               let number = Names.PortOf(target, port["targetPort"] ?? port["port"])
               where number is not null
               select new Connection(End.Of(manifest, pod), End.Of(manifest, target), "TCP", number.Value),
        ];
    }

    private static int PortOf(Match address) =>
        address.Groups["port"] is { Success: true } port ? int.Parse(port.Value, CultureInfo.InvariantCulture) : UsualPorts[address.Groups["scheme"].Value];

    private static IEnumerable<int> Numbers(Pod pod, string? name) => Names.PortOf(pod, JsonValue.Create(name)) is { } number ? [number] : [];

    [GeneratedRegex(@"(?<scheme>https?|amqps?)://(?:[^@/\s]*@)?(?<host>[a-z][a-z0-9.-]*)(?::(?<port>\d+))?")]
    private static partial Regex Address();
}
