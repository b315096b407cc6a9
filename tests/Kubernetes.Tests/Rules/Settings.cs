using System.ComponentModel.DataAnnotations;
using System.Reflection;
using FlEvents.Aggregator;
using FlEvents.ClientWorker;
using FlEvents.Orchestrator;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using Microsoft.Extensions.Configuration;

namespace FlEvents.Kubernetes.Tests.Rules;

/// <summary>Every variable of a container is an option that the service in it has, with a value that it takes: read as the service reads it.</summary>
public static class Settings
{
    // Taken where the value is in a secret that is not in the repository.
    private const string SomeBroker = "amqps://user:password@rabbitmq:5671/flevents";

    private static readonly Dictionary<string, Type> Shared = new() { [BusOptions.Section] = typeof(BusOptions), [HttpLimits.Section] = typeof(HttpLimits), [SecurityOptions.Section] = typeof(SecurityOptions) };

    private static readonly Dictionary<string, Dictionary<string, Type>> Sections = new()
    {
        ["orchestrator"] = new(Shared) { [OrchestratorOptions.Section] = typeof(OrchestratorOptions) },
        ["aggregator"] = new(Shared) { [AggregatorOptions.Section] = typeof(AggregatorOptions) },
        ["privacy-accountant"] = new(Shared) { [PrivacyAccountantOptions.Section] = typeof(PrivacyAccountantOptions) },
        ["client-worker"] = new(Shared) { [ClientWorkerOptions.Section] = typeof(ClientWorkerOptions) },
        ["cli"] = [],
    };

    private static readonly string[] OfTheRuntime = ["ASPNETCORE_URLS", "FLEVENTS_API_KEY", "POD_NAME", "SSL_CERT_FILE"];
    private static readonly string[] PrefixesOfTheRuntime = ["DOTNET_", "OTEL_", "Logging__", "Kestrel__"];

    public static IEnumerable<string> Check(Manifest manifest) =>
        from pod in manifest.Pods
        from container in pod.Containers
        let service = Pod.ServiceOf(container)
        where service is not null
        from error in Sections.TryGetValue(service, out var sections) ? Check(manifest.VariablesOf(pod, container), sections) : [$"there is no image flevents/{service}."]
        select $"{pod}, container {container.Text("name")}: {error}";

    /// <summary>A container's variables as a service reads them.</summary>
    internal static IConfiguration Configuration(IReadOnlyDictionary<string, string?> variables) => new ConfigurationBuilder()
        .AddInMemoryCollection(variables.Select(variable => KeyValuePair.Create<string, string?>(variable.Key.Replace("__", ":", StringComparison.Ordinal), variable.Value ?? SomeBroker)))
        .Build();

    private static IEnumerable<string> Check(IReadOnlyDictionary<string, string?> variables, Dictionary<string, Type> sections)
    {
        foreach (var name in variables.Keys.Where(name => !OfTheRuntime.Contains(name) && !PrefixesOfTheRuntime.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))))
        {
            if (!name.Contains("__", StringComparison.Ordinal) || !sections.ContainsKey(name.Split("__")[0]))
            {
                yield return $"{name} is no option of its service.";
            }
        }

        var configuration = Configuration(variables);
        foreach (var error in sections.SelectMany(section => Bind(configuration.GetSection(section.Key), section.Value)))
        {
            yield return error;
        }
    }

    private static IEnumerable<string> Bind(IConfigurationSection section, Type type)
    {
        var options = Activator.CreateInstance(type)!;
        string? failure = null;
        try
        {
            section.Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException e)
        {
            failure = e.Message;
        }

        return failure is not null ? [failure]
            : from property in type.GetProperties()
              from rule in property.GetCustomAttributes<ValidationAttribute>()
              where !rule.IsValid(property.GetValue(options))
              select $"{section.Path}__{property.Name} is {property.GetValue(options)}: {rule.FormatErrorMessage(property.Name)}";
    }
}
