using System.Globalization;
using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>Every container asks for processor and memory and has a limit of both; no volume of a node's own is without bound.</summary>
public static class Resources
{
    private static readonly (string Suffix, double Factor)[] Suffixes =
        [("m", 1e-3), ("Ki", 1L << 10), ("Mi", 1L << 20), ("Gi", 1L << 30), ("Ti", 1L << 40), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12)];

    public static IEnumerable<string> Check(Manifest manifest) => manifest.Pods.SelectMany(pod =>
        pod.Containers.SelectMany(container => Check(pod, container)).Concat(
            from volume in pod.Spec.Objects("volumes")
            where volume.ContainsKey("emptyDir") && volume.Text("emptyDir", "sizeLimit") is null
            select $"{pod}: volume {volume.Text("name")} needs a sizeLimit."));

    private static IEnumerable<string> Check(Pod pod, JsonObject container)
    {
        foreach (var resource in new[] { "cpu", "memory" })
        {
            var request = container.Text("resources", "requests", resource);
            var limit = container.Text("resources", "limits", resource);
            if (request is null || limit is null)
            {
                yield return $"{pod}, container {container.Text("name")}: {resource} needs a request and a limit.";
            }
            else if (Quantity(request) > Quantity(limit))
            {
                yield return $"{pod}, container {container.Text("name")}: {resource} has a request of {request} above its limit of {limit}.";
            }
        }
    }

    private static double Quantity(string text)
    {
        var (suffix, factor) = Suffixes.FirstOrDefault(known => text.EndsWith(known.Suffix, StringComparison.Ordinal), ("", 1));
        return double.Parse(text[..^suffix.Length], CultureInfo.InvariantCulture) * factor;
    }
}
