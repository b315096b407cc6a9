using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>What NetworkPolicies let through: a pod that a policy of a direction selects may do what one of these names, any other pod anything.</summary>
public static class Policies
{
    public static bool Let(Manifest manifest, Connection connection) =>
        Let(manifest, connection, "Egress", connection.Source, connection.Target) && Let(manifest, connection, "Ingress", connection.Target, connection.Source);

    private static bool Let(Manifest manifest, Connection connection, string direction, End own, End peer)
    {
        var policies = manifest.OfKind("NetworkPolicy").Where(policy => own.IsPod && policy.Namespace == own.Space
            && policy.Spec.Texts("policyTypes").Contains(direction) && Selector.Matches(policy.Spec.Object("podSelector") ?? [], own.Labels)).ToList();
        var (rules, peers) = direction == "Egress" ? ("egress", "to") : ("ingress", "from");
        return policies.Count == 0 || policies.Any(policy => policy.Spec.Objects(rules).Any(rule =>
            (!rule.Objects(peers).Any() || rule.Objects(peers).Any(allowed => IsPeer(allowed, own.Space, peer)))
            && (!rule.Objects("ports").Any() || rule.Objects("ports").Any(port => IsPort(port, connection)))));
    }

    // Without a selector of namespaces it means the policy's own.
    private static bool IsPeer(JsonObject allowed, string space, End peer) =>
        !allowed.ContainsKey("ipBlock")
        && (allowed.Object("namespaceSelector") is { } spaces ? Selector.Matches(spaces, peer.SpaceLabels) : peer.Space == space)
        && Selector.Matches(allowed.Object("podSelector") ?? [], peer.Labels);

    private static bool IsPort(JsonObject allowed, Connection connection)
    {
        if ((allowed.Text("protocol") ?? "TCP") != connection.Protocol)
        {
            return false;
        }

        return allowed.Number("port") is { } first
            ? connection.Port >= first && connection.Port <= (allowed.Number("endPort") ?? first)
            : allowed["port"] is null || connection.Target.Ports.Any(port => port.Name == allowed.Text("port") && port.Number == connection.Port);
    }
}
