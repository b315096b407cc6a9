namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>The network policies let through every connection that is used, and none that is not. Who uses what is read from the objects themselves.</summary>
public static class Network
{
    public static IEnumerable<string> Check(Manifest manifest)
    {
        var uses = Connections.Of(manifest).ToHashSet();
        return
        [
            .. Connections.Unresolved(manifest),
            .. manifest.Pods.Select(pod => pod.Namespace).Distinct().Where(space => !IsDeniedByDefault(manifest, space)).Select(space => $"Namespace/{space}: no policy denies by default."),
            .. uses.Where(use => !Policies.Let(manifest, use)).Select(use => $"{use}: no policy lets it through."),
            .. from source in Ends(manifest)
               from target in Ends(manifest)
               from port in target.Ports
               let possible = new Connection(source, target, port.Protocol, port.Number)
               where source != target && (source.IsPod || target.IsPod) && !uses.Contains(possible) && Policies.Let(manifest, possible)
               select $"{possible}: it is let through, and nothing uses it.",
        ];
    }

    private static IEnumerable<End> Ends(Manifest manifest) => [.. manifest.Pods.Select(pod => End.Of(manifest, pod)), .. manifest.OfKind("Gateway").Select(gateway => End.OfGateway(manifest, gateway)), End.Prometheus, End.BrokerOperator, End.ApiClient, End.Dns, End.Stranger];

    private static bool IsDeniedByDefault(Manifest manifest, string space) => manifest.OfKind("NetworkPolicy").Any(policy =>
        policy.Namespace == space && policy.Spec.Object("podSelector") is { Count: 0 } && policy.Spec.Texts("policyTypes").Order().SequenceEqual(["Egress", "Ingress"])
        && !policy.Spec.Objects("ingress").Any() && !policy.Spec.Objects("egress").Any());
}
