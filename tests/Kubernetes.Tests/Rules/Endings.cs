using System.Globalization;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>A pod is given longer to end than its host and its bus take at most, so that the product ends what is in hand and nothing is killed.</summary>
public static class Endings
{
    public static IEnumerable<string> Check(Manifest manifest) =>
        from pod in manifest.Pods
        where pod.IsService
        let grace = pod.Spec.Number("terminationGracePeriodSeconds") ?? KubernetesDefaultSeconds
        from container in pod.Containers
        let needed = SecondsToStop(manifest.VariablesOf(pod, container))
        where grace <= needed
        select FormattableString.Invariant($"{pod}: terminationGracePeriodSeconds is {grace}, and it may take {needed} s to stop.");

    private const int KubernetesDefaultSeconds = 30;
    private static readonly double HostSeconds = HostStopSeconds();

    private static double SecondsToStop(IReadOnlyDictionary<string, string?> variables) =>
        Math.Max(HostSeconds, variables.GetValueOrDefault("Bus__StopTimeoutSeconds") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : new BusOptions().StopTimeoutSeconds);

    private static double HostStopSeconds()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.AddServiceDefaults();
        using var host = builder.Build();
        return host.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout.TotalSeconds;
    }
}
