using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>
/// Every service signs in at the broker with a secret of its own. Where the overlay brings the secrets, it is as the service's own user, whom the broker knows by
/// that password and with the rights that the program states, and the broker makes no other.
/// </summary>
public static partial class SignIns
{
    private const string BrokerUrl = "Bus__RabbitMqUrl";

    public static IEnumerable<string> Check(Manifest manifest)
    {
        var signIns = (from pod in manifest.Pods
                       where pod.IsService
                       from container in pod.Containers
                       where Pod.ServiceOf(container) is not null
                       select (Pod: pod, Container: container, Secret: SecretOf(container))).ToList();
        return
        [
            .. signIns.Where(service => service.Secret is null).Select(service => $"{service.Pod}: {BrokerUrl} must come from a secret."),
            .. from secret in signIns.GroupBy(service => (service.Pod.Namespace, service.Secret))
               where secret.Key.Secret is not null && secret.Count() > 1
               select $"Secret/{secret.Key.Secret}: {string.Join(" and ", secret.Select(service => service.Pod))} sign in with it.",
            .. signIns.SelectMany(service => CheckUser(manifest, service.Pod, manifest.VariablesOf(service.Pod, service.Container))),

            // An operator's brokers have the user that it makes for itself.
            .. manifest.Pods.Where(pod => pod.Owner.Kind == "StatefulSet" && pod.Labels.GetValueOrDefault("app.kubernetes.io/component") == "rabbitmq").Where(pod => !LoadsDefinitions(manifest, pod))
                .Select(pod => $"{pod}: it loads no definitions, and so makes the user guest or another."),
        ];
    }

    private static bool LoadsDefinitions(Manifest manifest, Pod pod) => pod.Spec.Objects("volumes").Select(volume => manifest.Find("ConfigMap", volume.Text("configMap", "name") ?? "", pod.Namespace)).OfType<KubernetesObject>()
        .SelectMany(map => map.Json.Map("data").Values).SelectMany(text => Loaded().Matches(text)).Select(loaded => loaded.Groups["file"].Value)
        .Any(file => pod.Containers.SelectMany(container => container.Objects("volumeMounts")).Any(mount => mount.Text("mountPath") == file && mount.Text("subPath") == "definitions.json"));

    private static string? SecretOf(JsonObject container) =>
        container.Objects("env").FirstOrDefault(variable => variable.Text("name") == BrokerUrl).Text("valueFrom", "secretKeyRef", "name");

    private static IEnumerable<string> CheckUser(Manifest manifest, Pod pod, IReadOnlyDictionary<string, string?> variables)
    {
        // What is in a secret that is not in the repository is told in docs/kubernetes.md.
        if (!Uri.TryCreate(variables.GetValueOrDefault(BrokerUrl), UriKind.Absolute, out var url))
        {
            yield break;
        }

        var user = UserOf(pod, variables);
        var (name, password) = url.UserInfo.Split(':', 2) is [var first, var second] ? (first, second) : ("", "");
        if (name != user.Name || url.AbsolutePath != $"/{BrokerUser.VirtualHost}")
        {
            yield return $"{pod}: it signs in as \"{name}\" at \"{url.AbsolutePath}\": expected {user.Name} at /{BrokerUser.VirtualHost}.";
            yield break;
        }

        var definitions = manifest.OfKind("ConfigMap").Where(map => map.Namespace == pod.Namespace).Select(map => map.Json.Text("data", "definitions.json")).OfType<string>().Select(text => JsonNode.Parse(text)!).ToList();
        var known = definitions.SelectMany(broker => broker.Objects("users")).FirstOrDefault(known => known.Text("name") == name);
        if (known is null || !IsOf(known.Text("password_hash") ?? "", password))
        {
            yield return $"{pod}: the broker has no user {name} with that password.";
        }

        var rights = definitions.SelectMany(broker => broker.Objects("permissions")).Where(right => right.Text("user") == name)
            .Select(right => (right.Text("vhost"), right.Text("configure"), right.Text("write"), right.Text("read")));
        if (!rights.SequenceEqual([(BrokerUser.VirtualHost, user.Configure, user.Write, user.Read)]))
        {
            yield return $"{pod}: the rights of {name} are not those that flevents broker-users prints.";
        }
    }

    private static BrokerUser UserOf(Pod pod, IReadOnlyDictionary<string, string?> variables) =>
        pod.Containers.Select(Pod.ServiceOf).OfType<string>().First() switch
        {
            "orchestrator" => BrokerUser.Orchestrator,
            "aggregator" => BrokerUser.Aggregator,
            "privacy-accountant" => BrokerUser.PrivacyAccountant,
            _ => variables.GetValueOrDefault("ClientWorker__Pool") is { } pool ? BrokerUser.Pool(pool) : BrokerUser.Silo(variables["ClientWorker__ClientId"]!),
        };

    // rabbit_password_hashing_sha256: four bytes of salt, then the SHA-256 of them and the password.
    private static bool IsOf(string hash, string password) =>
        Convert.FromBase64String(hash) is { Length: 4 + SHA256.HashSizeInBytes } bytes && SHA256.HashData([.. bytes.Take(4), .. Encoding.UTF8.GetBytes(password)]).SequenceEqual(bytes.Skip(4));

    [GeneratedRegex(@"^load_definitions = (?<file>\S+)$", RegexOptions.Multiline)]
    private static partial Regex Loaded();
}
