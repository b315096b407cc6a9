using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>
/// Everything that stays has its three probes. A service is restarted by the word of its process alone (<c>/alive</c>), at its start too: a broker
/// that is away must not restart it. It takes part when its database and the broker are there (<c>/health</c>).
/// </summary>
public static class Probes
{
    private const int ShortestStartSeconds = 60;

    private static readonly (string Name, string Path)[] Expected = [("startupProbe", "/alive"), ("livenessProbe", "/alive"), ("readinessProbe", "/health")];

    public static IEnumerable<string> Check(Manifest manifest) =>
        from pod in manifest.Pods
        where pod.Owner.Kind is not ("CronJob" or "Job" or "RabbitmqCluster")
        from container in pod.Spec.Objects("containers")
        from expected in Expected
        from error in Check(pod, container, expected.Name, expected.Path)
        select $"{pod}, container {container.Text("name")}: {error}";

    private static IEnumerable<string> Check(Pod pod, JsonObject container, string name, string path)
    {
        if (container.Object(name) is not { } probe)
        {
            yield return $"it has no {name}.";
            yield break;
        }

        var port = probe.At("httpGet", "port") ?? probe.At("tcpSocket", "port");
        if (Names.PortOf(pod, port) is null)
        {
            yield return $"its {name} asks port {port}, which it does not have.";
        }

        if (Pod.ServiceOf(container) is not null && probe.Text("httpGet", "path") != path)
        {
            yield return $"its {name} asks {probe.Text("httpGet", "path") ?? "no path"}: it must be {path}.";
        }

        if (name == "startupProbe" && (probe.Number("periodSeconds") ?? 10) * (probe.Number("failureThreshold") ?? 3) < ShortestStartSeconds)
        {
            yield return $"it has less than {ShortestStartSeconds} s to start.";
        }
    }
}
