using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FlEvents.Testing;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>Every secret, config map, claim and account that a pod names is in the overlay, or among what docs/kubernetes.md says must be there before.</summary>
public static partial class References
{
    private static readonly HashSet<(string Kind, string Name)> Documented =
        [.. File.ReadLines(Repository.File("docs", "kubernetes.md")).Select(line => DocumentedRow().Match(line)).Where(row => row.Success).Select(row => (row.Groups["kind"].Value, row.Groups["name"].Value))];

    public static IEnumerable<string> Check(Manifest manifest)
    {
        // The overlay for one machine brings its own secrets; none other has any in the repository.
        var isLocal = manifest.OfKind("Secret").Any();
        return manifest.Pods.SelectMany(pod => NamedBy(pod).Where(reference => reference.Name.Length > 0).Distinct().SelectMany(reference => Check(manifest, pod, reference, isLocal)));
    }

    public static bool IsDocumented(string kind, string name) => Documented.Contains((kind, name));

    private static IEnumerable<string> Check(Manifest manifest, Pod pod, Reference reference, bool isLocal)
    {
        var (kind, name, key, isOptional) = reference;
        if (manifest.Find(kind, name, pod.Namespace) is not { } found)
        {
            if (kind == "PersistentVolumeClaim" && IsOfAStatefulSet(manifest, pod.Namespace, name))
            {
                yield break;
            }

            if (isLocal ? !isOptional : !IsDocumented(kind, name))
            {
                yield return $"{pod}: there is no {kind}/{name}{(isLocal ? "" : ", and docs/kubernetes.md does not ask for it")}.";
            }
        }
        else if (key is not null && !found.Json.Map("data").ContainsKey(key))
        {
            yield return $"{pod}: {kind}/{name} has no key {key}.";
        }
    }

    private static bool IsOfAStatefulSet(Manifest manifest, string space, string claim) => manifest.Pods.Any(pod =>
        pod.Namespace == space && pod.ClaimTemplates.Any(template => claim == $"{template.Text("metadata", "name")}-{pod.Owner.Name}-0"));

    private static IEnumerable<Reference> NamedBy(Pod pod)
    {
        foreach (var source in pod.Containers.SelectMany(container => container.Objects("env")).Select(variable => variable.Object("valueFrom")))
        {
            yield return new("Secret", source.Text("secretKeyRef", "name") ?? "", source.Text("secretKeyRef", "key"), IsOptional(source.Object("secretKeyRef")));
            yield return new("ConfigMap", source.Text("configMapKeyRef", "name") ?? "", source.Text("configMapKeyRef", "key"));
        }

        foreach (var source in pod.Containers.SelectMany(container => container.Objects("envFrom")))
        {
            yield return new("Secret", source.Text("secretRef", "name") ?? "", null, IsOptional(source.Object("secretRef")));
            yield return new("ConfigMap", source.Text("configMapRef", "name") ?? "", null);
        }

        foreach (var volume in pod.Spec.Objects("volumes"))
        {
            yield return new("Secret", volume.Text("secret", "secretName") ?? "", null);
            yield return new("ConfigMap", volume.Text("configMap", "name") ?? "", null);
            yield return new("PersistentVolumeClaim", volume.Text("persistentVolumeClaim", "claimName") ?? "", null);
        }

        foreach (var secret in pod.Spec.Objects("imagePullSecrets"))
        {
            yield return new("Secret", secret.Text("name") ?? "", null);
        }

        yield return new("ServiceAccount", pod.Spec.Text("serviceAccountName") ?? "", null);
    }

    // Nothing else may be: what is there by chance is no setting.
    private static bool IsOptional(JsonObject? reference) => reference.Truth("optional") == true;

    private sealed record Reference(string Kind, string Name, string? Key, bool IsOptional = false);

    [GeneratedRegex(@"^\| (?<kind>Secret|ConfigMap|PersistentVolumeClaim|ServiceAccount) \| `(?<name>[^`]+)` \|")]
    private static partial Regex DocumentedRow();
}
