using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using FlEvents.Testing;

namespace FlEvents.Kubernetes.Tests;

/// <summary>Renders folders with the kustomize that is in kubectl, each once.</summary>
public static class Kustomize
{
    private const int OldestMinor = 25;
    private static readonly ConcurrentDictionary<string, Lazy<Task<IReadOnlyList<KubernetesObject>>>> Rendered = new();
    private static readonly Lazy<Task<string?>> Missing = new(WhyMissingAsync);

    /// <summary>The objects of several folders together; skips the test where kubectl is not there.</summary>
    /// <param name="folders">Relative to the repository.</param>
    public static async Task<Manifest> RenderAsync(params string[] folders)
    {
        var missing = await Missing.Value;
        Assert.SkipWhen(missing is not null, missing ?? "");
        var objects = await Task.WhenAll(folders.Select(folder => Rendered.GetOrAdd(folder, name => new(() => RenderOneAsync(name))).Value));
        return new Manifest([.. objects.SelectMany(found => found)]);
    }

    /// <summary>Cases of a theory; without kubectl one of them is enough to say so.</summary>
    public static IEnumerable<T> Cases<T>(IEnumerable<T> all) => Missing.Value.GetAwaiter().GetResult() is null ? all : all.Take(1);

    private static async Task<IReadOnlyList<KubernetesObject>> RenderOneAsync(string folder)
    {
        var (exitCode, output, errors) = (await Programs.RunAsync("kubectl", ["kustomize", Repository.File(folder)]))!.Value;
        return exitCode == 0 ? Yaml.Read(output) : throw new InvalidDataException($"kubectl kustomize {folder}: {errors}");
    }

    private static async Task<string?> WhyMissingAsync()
    {
        const string Wanted = "kubectl 1.25 or newer renders the overlays: see https://kubernetes.io/docs/tasks/tools/.";
        if (await Programs.RunAsync("kubectl", ["version", "--client", "-o", "json"]) is not (0, var output, _))
        {
            return $"There is no kubectl. {Wanted}";
        }

        var version = JsonNode.Parse(output).Object("clientVersion");
        var minor = new string([.. (version.Text("minor") ?? "").TakeWhile(char.IsAsciiDigit)]);
        return int.TryParse(minor, out var number) && number >= OldestMinor ? null : $"kubectl is {version.Text("gitVersion")}. {Wanted}";
    }
}
