using System.Text.Json.Nodes;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using Microsoft.Extensions.Configuration;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>No service refuses to start for what it lays open: each has TLS, keys and a user of its own, or names the exception.</summary>
public static class Exposures
{
    public static IEnumerable<string> Check(Manifest manifest) =>
        from pod in manifest.Pods
        where pod.IsService
        from container in pod.Containers
        where Pod.ServiceOf(container) is not null
        from error in Check(manifest, pod, container)
        select $"{pod}, container {container.Text("name")}: {error}";

    private static IEnumerable<string> Check(Manifest manifest, Pod pod, JsonObject container)
    {
        var variables = manifest.VariablesOf(pod, container);
        var configuration = Settings.Configuration(variables);
        var security = configuration.GetSection(SecurityOptions.Section).Get<SecurityOptions>() ?? new SecurityOptions();
        if (container.Objects("envFrom").Select(source => source.Object("secretRef")).Any(secret => secret is not null && secret.Truth("optional") != true))
        {
            // Without it there is no pod, and docs/kubernetes.md says what is in it.
            security.ApiKeys["documented"] = new ApiKeyOptions();
        }

        var addresses = (variables.GetValueOrDefault("ASPNETCORE_URLS") ?? "").Split(';');
        return Exposure.Check(configuration.GetSection(BusOptions.Section).Get<BusOptions>() ?? new BusOptions(), security, addresses)
            .Concat(HttpAddresses.CertificateDefect(configuration) is { } defect ? [defect] : []);
    }
}
