using System.Text.Json;
using System.Text.Json.Nodes;

namespace FlEvents.ServiceDefaults.Hosting;

/// <summary>What a program is made of, from the list of dependencies that the build leaves beside it.</summary>
public static class BillOfMaterials
{
    /// <summary>Argument by which every program prints its own.</summary>
    public const string Argument = "sbom";

    private const string RuntimePack = "runtimepack.";
    private const string HashMark = "sha512-";
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerOptions.Web) { WriteIndented = true };

    /// <summary>The running program's, as JSON.</summary>
    /// <exception cref="FileNotFoundException">The program was not built by the SDK: nothing is beside it.</exception>
    public static string OfThisProgram()
    {
        var path = ((string?)AppContext.GetData("APP_CONTEXT_DEPS_FILES"))?.Split(';').FirstOrDefault(file => file.StartsWith(AppContext.BaseDirectory, StringComparison.Ordinal));
        return path is not null && File.Exists(path) ? Of(File.ReadAllText(path)) : throw new FileNotFoundException("The program's list of dependencies is not there; expected *.deps.json beside it.");
    }

    /// <summary>
    /// A bill of materials of the CycloneDX 1.6 format (https://cyclonedx.org/docs/1.6/json/): the program, its packages with their hashes, the .NET that it brings
    /// along, and who needs whom. The same dependencies make the same text.
    /// </summary>
    /// <param name="dependencies">Content of a <c>*.deps.json</c> file.</param>
    public static string Of(string dependencies)
    {
        var root = JsonNode.Parse(dependencies)!;
        var libraries = root["libraries"]!.AsObject();
        var target = root["targets"]![(string)root["runtimeTarget"]!["name"]!]!.AsObject();
        var program = target.First().Key;
        return new JsonObject
        {
            ["bomFormat"] = "CycloneDX",
            ["specVersion"] = "1.6",
            ["version"] = 1,
            ["metadata"] = new JsonObject { ["component"] = Component(program, libraries[program]!, "application") },
            ["components"] = Array(Sorted(libraries.Where(library => library.Key != program).Select(library => library.Key))
                .Select(key => Component(key, libraries[key]!, "library"))),
            ["dependencies"] = Array(Sorted(target.Select(library => library.Key)).Select(key => new JsonObject
            {
                ["ref"] = key,
                ["dependsOn"] = Array(Needs(target[key]!).Where(libraries.ContainsKey).Order(StringComparer.Ordinal).Select(need => (JsonNode)need)),
            })),
        }.ToJsonString(Indented);
    }

    private static IEnumerable<string> Needs(JsonNode library) =>
        library["dependencies"]?.AsObject().Select(need => $"{need.Key}/{(string)need.Value!}") ?? [];

    private static JsonObject Component(string key, JsonNode library, string type)
    {
        var (name, version) = (key[..key.IndexOf('/', StringComparison.Ordinal)], key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        var isOurs = (string)library["type"]! == "project";
        name = name.StartsWith(RuntimePack, StringComparison.Ordinal) ? name[RuntimePack.Length..] : name;
        var component = new JsonObject { ["type"] = type, ["bom-ref"] = key, ["name"] = name, ["version"] = version };
        if (!isOurs)
        {
            component["purl"] = $"pkg:nuget/{name}@{version}";
        }

        if ((string?)library["sha512"] is { Length: > 0 } hash && hash.StartsWith(HashMark, StringComparison.Ordinal))
        {
            component["hashes"] = new JsonArray(new JsonObject
            {
                ["alg"] = "SHA-512",
                ["content"] = Convert.ToHexStringLower(Convert.FromBase64String(hash[HashMark.Length..])),
            });
        }

        return component;
    }

    private static IEnumerable<string> Sorted(IEnumerable<string> keys) => keys.Order(StringComparer.Ordinal);

    private static JsonArray Array(IEnumerable<JsonNode> nodes) => [.. nodes];
}
