using System.Text;
using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests;

/// <summary>The objects of an overlay, as they would be applied.</summary>
public sealed class Manifest(IReadOnlyList<KubernetesObject> objects)
{
    public IReadOnlyList<KubernetesObject> Objects { get; } = objects;

    public IReadOnlyList<Pod> Pods { get; } = [.. objects.Select(Pod.Of).OfType<Pod>()];

    /// <summary>The services, with the one that the RabbitMQ cluster operator makes.</summary>
    public IReadOnlyList<KubernetesObject> Services { get; } = [.. OfKind(objects, "Service"), .. OfKind(objects, "RabbitmqCluster").Select(ServiceOf)];

    public IEnumerable<KubernetesObject> OfKind(params ReadOnlySpan<string> kinds) => OfKind(Objects, [.. kinds]);

    public KubernetesObject? Find(string kind, string name, string space) => Objects.FirstOrDefault(known => known.Kind == kind && known.Name == name && known.Namespace == space);

    public IEnumerable<Pod> PodsIn(string space, JsonObject selector) => Pods.Where(pod => pod.Namespace == space && Selector.Matches(selector, pod.Labels));

    /// <summary>A namespace's labels, with the one that every namespace has.</summary>
    public IReadOnlyDictionary<string, string> LabelsOf(string space) => new Dictionary<string, string>(Find("Namespace", space, "")?.Json.Map("metadata", "labels") ?? new Dictionary<string, string>())
    {
        ["kubernetes.io/metadata.name"] = space,
    };

    /// <summary>A container's variables; a null value is one that only the cluster knows.</summary>
    public IReadOnlyDictionary<string, string?> VariablesOf(Pod pod, JsonObject container)
    {
        var variables = new Dictionary<string, string?>();
        foreach (var source in container.Objects("envFrom"))
        {
            foreach (var (name, value) in DataOf(pod, "ConfigMap", source.Text("configMapRef", "name")).Concat(DataOf(pod, "Secret", source.Text("secretRef", "name"))))
            {
                variables[name] = value;
            }
        }

        foreach (var variable in container.Objects("env"))
        {
            variables[variable.Text("name")!] = variable.Text("value") ?? Referenced(pod, variable.Object("valueFrom"));
        }

        return variables;
    }

    private string? Referenced(Pod pod, JsonObject? source) =>
        source.Text("fieldRef", "fieldPath") == "metadata.name" ? $"{pod.Owner.Name}-0"
        : source.Object("secretKeyRef") is { } secret ? DataOf(pod, "Secret", secret.Text("name")).GetValueOrDefault(secret.Text("key")!)
        : source.Object("configMapKeyRef") is { } map ? DataOf(pod, "ConfigMap", map.Text("name")).GetValueOrDefault(map.Text("key")!)
        : null;

    private IReadOnlyDictionary<string, string> DataOf(Pod pod, string kind, string? name) =>
        name is null || Find(kind, name, pod.Namespace) is not { } found ? new Dictionary<string, string>()
        : kind == "ConfigMap" ? found.Json.Map("data")
        : found.Json.Map("data").ToDictionary(entry => entry.Key, entry => Encoding.UTF8.GetString(Convert.FromBase64String(entry.Value)));

    private static IEnumerable<KubernetesObject> OfKind(IReadOnlyList<KubernetesObject> objects, params string[] kinds) => objects.Where(known => kinds.Contains(known.Kind));

    private static KubernetesObject ServiceOf(KubernetesObject broker) => new((JsonObject)JsonNode.Parse($$$"""
        {
          "apiVersion": "v1", "kind": "Service", "metadata": {"name": "{{{broker.Name}}}", "namespace": "{{{broker.Namespace}}}"},
          "spec": {
            "selector": {"app.kubernetes.io/name": "{{{broker.Name}}}"},
            "ports": [{{{string.Join(", ", Pod.MessagesOf(broker).Append(("prometheus", 15692)).Select(PortOf))}}}]
          }
        }
        """)!);

    private static string PortOf((string Name, int Number) port) => FormattableString.Invariant($$"""{"name": "{{port.Name}}", "port": {{port.Number}}, "targetPort": "{{port.Name}}"}""");
}
