namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>A scaler's target exists, has no other scaler and no number of replicas of its own, and one of the trigger's threshold is one worker's slots.</summary>
public static class Scaling
{
    public static IEnumerable<KubernetesObject> ScalersOf(Manifest manifest, KubernetesObject target) =>
        manifest.OfKind("HorizontalPodAutoscaler", "ScaledObject").Where(scaler => scaler.Namespace == target.Namespace
            && scaler.Spec.Text("scaleTargetRef", "name") == target.Name && (scaler.Spec.Text("scaleTargetRef", "kind") ?? "Deployment") == target.Kind);

    public static IEnumerable<string> Check(Manifest manifest) => manifest.OfKind("HorizontalPodAutoscaler", "ScaledObject").SelectMany(scaler => Check(manifest, scaler));

    private static IEnumerable<string> Check(Manifest manifest, KubernetesObject scaler)
    {
        var kind = scaler.Spec.Text("scaleTargetRef", "kind") ?? "Deployment";
        var name = scaler.Spec.Text("scaleTargetRef", "name");
        if (manifest.Pods.FirstOrDefault(pod => pod.Owner.Kind == kind && pod.Owner.Name == name && pod.Namespace == scaler.Namespace) is not { } target)
        {
            yield return $"{scaler}: there is no {kind}/{name}.";
            yield break;
        }

        if (ScalersOf(manifest, target.Owner).Count() > 1)
        {
            yield return $"{scaler}: {target} has another scaler, and each would undo what the other does.";
        }

        if (target.Owner.Spec.Number("replicas") is { } replicas)
        {
            yield return $"{scaler}: {target} has replicas {replicas}, which every apply would set again.";
        }

        if ((scaler.Spec.Number("minReplicas") ?? scaler.Spec.Number("minReplicaCount")) is not >= 1)
        {
            yield return $"{scaler}: the least number of pods must be at least 1: clients without a worker are not drawn.";
        }

        var slots = target.Containers.Select(container => manifest.VariablesOf(target, container).GetValueOrDefault("ClientWorker__Slots")).FirstOrDefault(value => value is not null);
        foreach (var threshold in scaler.Spec.Objects("triggers").Select(trigger => trigger.Text("metadata", "threshold")).Where(threshold => threshold != slots))
        {
            yield return $"{scaler}: the threshold is {threshold}, and a worker trains {slots} tasks at once.";
        }
    }
}
