namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>
/// A database has one writer: its service is a StatefulSet of one pod, whose data folder is on a claim that one pod alone can mount, and nothing
/// scales it. A worker that keeps its owner's books is such a service too; one of a pool without a policy is not.
/// </summary>
public static class SingleWriter
{
    private static readonly string[] Databases = ["orchestrator", "aggregator", "privacy-accountant"];

    public static IEnumerable<string> Check(Manifest manifest) =>
        manifest.Pods.Where(pod => pod.IsService).SelectMany(pod => CheckService(manifest, pod)).Concat(CheckClaims(manifest));

    private static IEnumerable<string> CheckService(Manifest manifest, Pod pod)
    {
        foreach (var container in pod.Containers.Where(container => Pod.ServiceOf(container) is not null))
        {
            var variables = manifest.VariablesOf(pod, container);
            var mounts = container.Objects("volumeMounts").Where(mount => mount.Truth("readOnly") != true).ToList();
            var folder = variables.FirstOrDefault(variable => variable.Key.EndsWith("__DataFolder", StringComparison.Ordinal)).Value;
            if (mounts.FirstOrDefault(mount => mount.Text("mountPath") == folder) is not { } data)
            {
                yield return $"{pod}: the data folder {folder} must be on a volume that can be written.";
                continue;
            }

            var ownsBooks = variables.ContainsKey("ClientWorker__ClientId") || variables.ContainsKey("ClientWorker__PolicyFile");
            if (!ownsBooks && !Databases.Contains(Pod.ServiceOf(container)))
            {
                continue;
            }

            if (pod.Owner.Kind != "StatefulSet" || pod.Owner.Spec.Number("replicas") != 1 || Scaling.ScalersOf(manifest, pod.Owner).Any())
            {
                yield return $"{pod}: it must be a StatefulSet with replicas 1 that nothing scales.";
            }

            var claim = pod.ClaimTemplates.FirstOrDefault(template => template.Text("metadata", "name") == data.Text("name"));
            if (claim is null || !claim.Texts("spec", "accessModes").SequenceEqual(["ReadWriteOncePod"]))
            {
                yield return $"{pod}: {folder} must be on a claim of its own with the access mode ReadWriteOncePod.";
            }
        }
    }

    // A claim by name is one volume for all pods that mount it.
    private static IEnumerable<string> CheckClaims(Manifest manifest)
    {
        var writers =
            from pod in manifest.Pods
            from volume in pod.Spec.Objects("volumes")
            let claim = volume.Text("persistentVolumeClaim", "claimName")
            where claim is not null && volume.Truth("persistentVolumeClaim", "readOnly") != true
            group pod by (pod.Namespace, Claim: claim);
        return
            from volume in writers
            where volume.Count() > 1 || volume.Any(pod => pod.Owner.Kind == "Deployment" || pod.Owner.Spec.Number("replicas") > 1)
            select $"PersistentVolumeClaim/{volume.Key.Claim}: it has several writers, {string.Join(" and ", volume.Select(pod => $"{pod}"))}.";
    }
}
