namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>One end of a connection: a pod of the overlay, or one of those outside that the product has to do with.</summary>
public sealed class End(string name, string space, IReadOnlyDictionary<string, string> spaceLabels, IReadOnlyDictionary<string, string> labels, IReadOnlyList<Port> ports, bool isPod)
    : IEquatable<End>
{
    private static readonly Dictionary<string, string> None = [];

    /// <summary>Where the Prometheus operator puts its pods in a usual installation; docs/kubernetes.md asks for these labels.</summary>
    public static End Prometheus { get; } = Outside("Prometheus", "monitoring", new() { ["app.kubernetes.io/name"] = "prometheus" });

    /// <summary>The RabbitMQ cluster operator, where its own manifest puts it.</summary>
    public static End BrokerOperator { get; } = Outside("the RabbitMQ operator", "rabbitmq-system", new() { ["app.kubernetes.io/component"] = "rabbitmq-operator" });

    public static End ApiClient { get; } = new("a client of the API", "api-clients", new Dictionary<string, string> { ["flevents.io/api-client"] = "true" }, None, [], isPod: false);

    public static End Dns { get; } = Outside("DNS", "kube-system", new() { ["k8s-app"] = "kube-dns" }, new("UDP", 53), new("TCP", 53));

    /// <summary>Somebody whom nothing has to do with.</summary>
    public static End Stranger { get; } = Outside("a stranger", "default", [], new Port("TCP", 443));

    public string Space { get; } = space;

    public IReadOnlyDictionary<string, string> SpaceLabels { get; } = spaceLabels;

    public IReadOnlyDictionary<string, string> Labels { get; } = labels;

    public IReadOnlyList<Port> Ports { get; } = ports;

    /// <summary>Whether the overlay's policies are about it.</summary>
    public bool IsPod { get; } = isPod;

    private string Name { get; } = name;

    public static End Of(Manifest manifest, Pod pod) => new(
        $"{pod}", pod.Namespace, manifest.LabelsOf(pod.Namespace), pod.Labels, [.. pod.Ports.Select(port => new Port("TCP", port.Value, port.Key))], isPod: true);

    /// <summary>The pods of a Gateway, with the label that GEP-1762 of the Gateway API gives them.</summary>
    public static End OfGateway(Manifest manifest, KubernetesObject gateway) => new(
        $"{gateway}", gateway.Namespace, manifest.LabelsOf(gateway.Namespace), new Dictionary<string, string> { ["gateway.networking.k8s.io/gateway-name"] = gateway.Name }, [], isPod: false);

    public bool Equals(End? other) => other is not null && Name == other.Name && Space == other.Space;

    public override bool Equals(object? obj) => Equals(obj as End);

    public override int GetHashCode() => HashCode.Combine(Name, Space);

    public override string ToString() => Name;

    public static bool operator ==(End left, End right) => left.Equals(right);

    public static bool operator !=(End left, End right) => !left.Equals(right);

    private static End Outside(string name, string space, Dictionary<string, string> labels, params IReadOnlyList<Port> ports) =>
        new(name, space, new Dictionary<string, string> { ["kubernetes.io/metadata.name"] = space }, labels, ports, isPod: false);
}

/// <summary>A port that is listened on.</summary>
public sealed record Port(string Protocol, int Number, string? Name = null);

/// <summary>Someone calls a port of somebody.</summary>
public sealed record Connection(End Source, End Target, string Protocol, int Port)
{
    public override string ToString() => FormattableString.Invariant($"{Source} to {Target} at {Protocol} {Port}");
}
