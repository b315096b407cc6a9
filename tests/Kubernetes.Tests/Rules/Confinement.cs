using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>Pod Security "restricted", and beyond it: no writable root, no token of the cluster's, images with a tag, no diagnostic socket.</summary>
public static class Confinement
{
    // https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    private static readonly string[] VolumeTypes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

    public static IEnumerable<string> Check(Manifest manifest) =>
        manifest.Pods.Select(pod => pod.Namespace).Distinct().SelectMany(space => CheckNamespace(manifest, space)).Concat(manifest.Pods.SelectMany(CheckPod));

    private static IEnumerable<string> CheckNamespace(Manifest manifest, string space)
    {
        if (manifest.LabelsOf(space).GetValueOrDefault("pod-security.kubernetes.io/enforce") != "restricted")
        {
            yield return $"Namespace/{space}: pod-security.kubernetes.io/enforce must be restricted.";
        }
    }

    private static IEnumerable<string> CheckPod(Pod pod)
    {
        foreach (var shared in new[] { "hostNetwork", "hostPID", "hostIPC" }.Where(name => pod.Spec.Truth(name) == true))
        {
            yield return $"{pod}: {shared} must not be set.";
        }

        // The operator's brokers find their number from their own name, with a token that the operator gives them.
        if (pod.Owner.Kind != "RabbitmqCluster" && pod.Spec.Truth("automountServiceAccountToken") != false)
        {
            yield return $"{pod}: automountServiceAccountToken must be false.";
        }

        foreach (var volume in pod.Spec.Objects("volumes"))
        {
            if (volume.Select(entry => entry.Key).FirstOrDefault(key => key != "name" && !VolumeTypes.Contains(key)) is { } type)
            {
                yield return $"{pod}: volume {volume.Text("name")} is a {type}, which restricted does not allow.";
            }
        }

        foreach (var error in pod.Containers.SelectMany(container => CheckContainer(pod, container)))
        {
            yield return error;
        }
    }

    private static IEnumerable<string> CheckContainer(Pod pod, JsonObject container)
    {
        var name = $"{pod}, container {container.Text("name")}";
        var own = container.Object("securityContext");
        var shared = pod.Spec.Object("securityContext");
        if ((own.Truth("runAsNonRoot") ?? shared.Truth("runAsNonRoot")) != true || (own.Number("runAsUser") ?? shared.Number("runAsUser")) is null or 0)
        {
            yield return $"{name}: runAsNonRoot must be true, and runAsUser a number above 0.";
        }

        if ((own.Text("seccompProfile", "type") ?? shared.Text("seccompProfile", "type")) != "RuntimeDefault")
        {
            yield return $"{name}: seccompProfile must be RuntimeDefault.";
        }

        if (own.Truth("allowPrivilegeEscalation") != false || own.Truth("privileged") == true)
        {
            yield return $"{name}: allowPrivilegeEscalation must be false.";
        }

        if (!own.Texts("capabilities", "drop").Contains("ALL") || own.Texts("capabilities", "add").Count > 0)
        {
            yield return $"{name}: all capabilities must be dropped and none added.";
        }

        if (own.Truth("readOnlyRootFilesystem") != true)
        {
            yield return $"{name}: readOnlyRootFilesystem must be true.";
        }

        if (container.Objects("ports").Any(port => port.Number("hostPort") is not null))
        {
            yield return $"{name}: a port of the host must not be used.";
        }

        var image = container.Text("image") ?? "";
        if (!image.Contains('@') && (!image[(image.LastIndexOf('/') + 1)..].Contains(':') || image.EndsWith(":latest", StringComparison.Ordinal)))
        {
            yield return $"{name}: image {image} must have a tag that is not latest, or a digest.";
        }

        if (Pod.ServiceOf(container) is not null && !container.Objects("env").Any(variable => variable.Text("name") == "DOTNET_EnableDiagnostics" && variable.Text("value") == "0"))
        {
            yield return $"{name}: DOTNET_EnableDiagnostics must be 0.";
        }
    }
}
