using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>What one object calls another by is what the other is called: labels, ports, volumes, a StatefulSet's service.</summary>
public static class Names
{
    public static IEnumerable<string> Check(Manifest manifest) =>
    [
        .. manifest.Services.SelectMany(service => CheckService(manifest, service)),
        .. manifest.Pods.Where(pod => pod.Owner.Kind != "RabbitmqCluster").SelectMany(pod => CheckPod(manifest, pod)),
        .. manifest.OfKind("PodDisruptionBudget").SelectMany(budget => CheckSelector(manifest, budget, "selector")),
        .. manifest.OfKind("NetworkPolicy").SelectMany(policy => CheckSelector(manifest, policy, "podSelector")),
        .. manifest.OfKind("PodMonitor").SelectMany(monitor => CheckMonitor(manifest, monitor)),
    ];

    private static IEnumerable<string> CheckService(Manifest manifest, KubernetesObject service)
    {
        var selected = manifest.Pods.Where(pod => pod.Namespace == service.Namespace && Selector.Matches(service.Spec.Map("selector"), pod.Labels)).ToList();
        if (selected.Count == 0)
        {
            yield return $"{service}: no pod has the labels of its selector.";
        }

        foreach (var pod in selected)
        {
            foreach (var port in service.Spec.Objects("ports").Where(port => PortOf(pod, port["targetPort"] ?? port["port"]) is null))
            {
                yield return $"{service}: {pod} has no port {port.Text("targetPort") ?? port.Text("port")}.";
            }
        }
    }

    private static IEnumerable<string> CheckPod(Manifest manifest, Pod pod)
    {
        if (pod.Owner.Spec.Object("selector") is { } selector && !Selector.Matches(selector, pod.Labels))
        {
            yield return $"{pod}: its pods do not have the labels of its selector.";
        }

        if (pod.Owner.Spec.Text("serviceName") is { } service && manifest.Find("Service", service, pod.Namespace) is null)
        {
            yield return $"{pod}: there is no Service/{service}.";
        }

        var volumes = pod.Spec.Objects("volumes").Select(volume => volume.Text("name")).Concat(pod.ClaimTemplates.Select(claim => claim.Text("metadata", "name"))).ToHashSet();
        foreach (var mount in pod.Containers.SelectMany(container => container.Objects("volumeMounts")).Where(mount => !volumes.Contains(mount.Text("name"))))
        {
            yield return $"{pod}: there is no volume {mount.Text("name")}.";
        }

        foreach (var constraint in pod.Spec.Objects("topologySpreadConstraints").Where(constraint => !Selector.Matches(constraint.Object("labelSelector") ?? [], pod.Labels)))
        {
            yield return $"{pod}: the spread over {constraint.Text("topologyKey")} counts pods with other labels.";
        }
    }

    private static IEnumerable<string> CheckSelector(Manifest manifest, KubernetesObject chooser, string path)
    {
        if (!manifest.PodsIn(chooser.Namespace, chooser.Spec.Object(path) ?? []).Any())
        {
            yield return $"{chooser}: no pod has the labels of its selector.";
        }
    }

    private static IEnumerable<string> CheckMonitor(Manifest manifest, KubernetesObject monitor)
    {
        var selected = manifest.PodsIn(monitor.Namespace, monitor.Spec.Object("selector") ?? []).ToList();
        if (selected.Count == 0)
        {
            yield return $"{monitor}: no pod has the labels of its selector.";
        }

        foreach (var port in monitor.Spec.Objects("podMetricsEndpoints").Select(endpoint => endpoint.Text("port") ?? ""))
        {
            foreach (var pod in selected.Where(pod => !pod.Ports.ContainsKey(port)))
            {
                yield return $"{monitor}: {pod} has no port {port}.";
            }
        }
    }

    /// <summary>A port's number by its number or name; null where the pod has none such.</summary>
    public static int? PortOf(Pod pod, JsonNode? port) =>
        port.Number() is { } number ? (pod.Ports.Values.Contains(number) ? number : null)
        : pod.Ports.TryGetValue(port.Text() ?? "", out var named) ? named : null;
}
