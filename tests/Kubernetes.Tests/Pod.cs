using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests;

/// <summary>The pods that an object makes, all alike.</summary>
/// <param name="Owner">The object that makes them.</param>
/// <param name="Labels">Their labels.</param>
/// <param name="Spec">Their specification.</param>
public sealed record Pod(KubernetesObject Owner, IReadOnlyDictionary<string, string> Labels, JsonObject Spec)
{
    private const string OurImages = "flevents/";

    public string Namespace => Owner.Namespace;

    public IEnumerable<JsonObject> Containers => Spec.Objects("initContainers").Concat(Spec.Objects("containers"));

    /// <summary>Whether one of the product's services runs in it, to stay.</summary>
    public bool IsService => Owner.Kind is not ("CronJob" or "Job") && Containers.Any(container => ServiceOf(container) is not null);

    /// <summary>The volumes' claims that each pod gets of its own.</summary>
    public IEnumerable<JsonObject> ClaimTemplates => Owner.Spec.Objects("volumeClaimTemplates");

    /// <summary>Ports by name.</summary>
    public IReadOnlyDictionary<string, int> Ports =>
        Spec.Objects("containers").SelectMany(container => container.Objects("ports")).ToDictionary(port => port.Text("name") ?? $"{port.Number("containerPort")}", port => port.Number("containerPort") ?? 0);

    /// <summary>The pods that an object makes; null where it makes none.</summary>
    public static Pod? Of(KubernetesObject owner) => owner.Kind switch
    {
        "Deployment" or "StatefulSet" or "DaemonSet" or "Job" => Of(owner, owner.Spec.Object("template")),
        "CronJob" => Of(owner, owner.Spec.Object("jobTemplate", "spec", "template")),
        "RabbitmqCluster" => OfBroker(owner),
        _ => null,
    };

    /// <summary>The product's image that a container runs, without registry and tag, such as <c>orchestrator</c>; null for others' images.</summary>
    public static string? ServiceOf(JsonObject container)
    {
        var image = container.Text("image") ?? "";
        var start = image.StartsWith(OurImages, StringComparison.Ordinal) ? 0 : image.IndexOf($"/{OurImages}", StringComparison.Ordinal) + 1;
        return start > 0 || image.StartsWith(OurImages, StringComparison.Ordinal) ? image[(start + OurImages.Length)..].Split(':', '@')[0] : null;
    }

    public override string ToString() => $"{Owner}";

    private static Pod? Of(KubernetesObject owner, JsonObject? template) => template is null ? null : new Pod(owner, template.Map("metadata", "labels"), template.Object("spec") ?? []);

    // What the RabbitMQ cluster operator makes of its object, as far as a rule looks at it.
    private static Pod OfBroker(KubernetesObject owner)
    {
        var spec = (owner.Spec.Object("override", "statefulSet", "spec", "template", "spec")?.DeepClone() as JsonObject) ?? [];
        var broker = spec.Objects("containers").FirstOrDefault(container => container.Text("name") == "rabbitmq");
        if (broker is null)
        {
            broker = new JsonObject { ["name"] = "rabbitmq" };
            spec["containers"] = new JsonArray(broker);
        }

        broker["image"] = owner.Spec.Text("image");
        broker["resources"] = owner.Spec.Object("resources")?.DeepClone();
        broker["ports"] = new JsonArray([.. BrokerPorts(owner).Select(port => new JsonObject { ["name"] = port.Name, ["containerPort"] = port.Number })]);
        foreach (var setup in spec.Objects("initContainers"))
        {
            setup["image"] = owner.Spec.Text("image");
            setup["resources"] = JsonNode.Parse("""{"requests": {"cpu": "100m", "memory": "500Mi"}, "limits": {"cpu": "100m", "memory": "500Mi"}}""");
        }

        return new Pod(owner, new Dictionary<string, string>
        {
            ["app.kubernetes.io/name"] = owner.Name,
            ["app.kubernetes.io/component"] = "rabbitmq",
            ["app.kubernetes.io/part-of"] = "rabbitmq",
        }, spec);
    }

    /// <summary>The ports of a broker's messages: with TLS one more.</summary>
    public static IReadOnlyList<(string Name, int Number)> MessagesOf(KubernetesObject broker) => broker.Spec.Object("tls") is null ? [("amqp", 5672)] : [("amqp", 5672), ("amqps", 5671)];

    private static IReadOnlyList<(string Name, int Number)> BrokerPorts(KubernetesObject broker) =>
        [.. MessagesOf(broker), ("management", 15672), ("prometheus", 15692), ("epmd", 4369), ("clustering", 25672)];
}
