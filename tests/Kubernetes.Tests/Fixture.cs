using System.Globalization;
using System.Text.Json.Nodes;
using FlEvents.Testing;

namespace FlEvents.Kubernetes.Tests;

/// <summary>
/// A file of <c>Broken</c>: the rule that catches it (or the schemas), a part of the sentence in which it says so, overlays, and what is changed in their objects
/// (JSON Patch, where an item of a list goes by its name too) or added to them (further documents).
/// </summary>
public sealed class Fixture(string name)
{
    /// <summary>Named in place of a rule.</summary>
    public const string Schema = nameof(Schema);

    private const string Folder = "tests/Kubernetes.Tests/Broken";
    private readonly IReadOnlyList<KubernetesObject> _documents = Yaml.Read(File.ReadAllText(Repository.File(Folder, $"{name}.yaml")));

    public static IEnumerable<Fixture> All => Directory.GetFiles(Repository.File(Folder)).Select(file => new Fixture(Path.GetFileNameWithoutExtension(file))).OrderBy(fixture => fixture.Name, StringComparer.Ordinal);

    public string Name { get; } = name;

    public string Rule => Head.Text("rule")!;

    private string Caught => Head.Text("caught")!;

    private JsonObject Head => _documents[0].Json;

    public async Task<Manifest> RenderAsync()
    {
        var sound = await Kustomize.RenderAsync([.. Head.Texts("overlays").Select(overlay => $"k8s/overlays/{overlay}")]);
        List<KubernetesObject> objects = [.. sound.Objects.Select(known => new KubernetesObject((JsonObject)known.Json.DeepClone())), .. _documents.Skip(1)];
        foreach (var change in Head.Objects("changes"))
        {
            var target = objects.Single(known => IsNamed(known, change.Text("object")!));
            if (change.Text("path") is { } path)
            {
                Apply(target.Json, path, change.Text("op")!, change["value"]);
            }
            else
            {
                objects.Remove(target);
            }
        }

        return new Manifest(objects);
    }

    public void AssertCaughtBy(IReadOnlyList<string> errors) =>
        Assert.True(errors.Any(error => error.Contains(Caught, StringComparison.Ordinal)), $"Not \"{Caught}\" but:\n{string.Join('\n', errors)}");

    // A generated map or secret has a hash at its name's end.
    private static bool IsNamed(KubernetesObject known, string name)
    {
        const int HashLength = 10;
        return $"{known}" == name || ($"{known}".StartsWith($"{name}-", StringComparison.Ordinal) && $"{known}".Length == name.Length + 1 + HashLength && known.Kind is "ConfigMap" or "Secret");
    }

    private static void Apply(JsonNode root, string path, string operation, JsonNode? value)
    {
        var keys = path[1..].Split('/').Select(key => key.Replace("~1", "/", StringComparison.Ordinal)).ToList();
        var parent = keys.SkipLast(1).Aggregate(root, (node, key) => node is JsonArray list ? list[IndexOf(list, key)]! : node[key] ?? throw Absent(path));
        switch (parent, operation)
        {
            case (JsonArray list, "add") when keys[^1] == "-":
                list.Add(value?.DeepClone());
                break;
            case (JsonArray list, "remove"):
                list.RemoveAt(IndexOf(list, keys[^1]));
                break;
            case (JsonObject map, "add"):
                map[keys[^1]] = value?.DeepClone();
                break;
            case (JsonObject map, "replace") when map.ContainsKey(keys[^1]):
                map[keys[^1]] = value?.DeepClone();
                break;
            case (JsonObject map, "remove") when map.Remove(keys[^1]):
                break;
            default:
                throw Absent(path);
        }

        int IndexOf(JsonArray list, string key) =>
            int.TryParse(key, CultureInfo.InvariantCulture, out var index) ? index
            : list.Index().FirstOrDefault(item => item.Item.Text("name") == key, (-1, null)) is (>= 0 and var found, _) ? found
            : throw Absent(path);
    }

    private static InvalidDataException Absent(string path) => new($"{path}: there is no such place.");
}
