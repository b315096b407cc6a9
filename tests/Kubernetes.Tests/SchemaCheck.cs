using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests;

/// <summary>Checks objects against the schemas of Kubernetes and of the operators, in the npm packages of the folder <c>schemas</c>; unknown keys too.</summary>
public static class SchemaCheck
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "schemas");
    private static readonly string[] NoNetwork = ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH"];
    private static readonly Lazy<Task<string?>> Missing = new(InstallAsync);

    /// <summary>What is wrong with each of several manifests, in sentences, by its name; skips the test where the packages can't be had.</summary>
    public static async Task<IReadOnlyDictionary<string, IReadOnlyList<string>>> RunAsync(IReadOnlyDictionary<string, Manifest> manifests)
    {
        var missing = await Missing.Value;
        Assert.SkipWhen(missing is not null, missing ?? "");
        var lists = new JsonObject(manifests.Select(manifest =>
            KeyValuePair.Create<string, JsonNode?>(manifest.Key, new JsonArray([.. manifest.Value.Objects.Select(known => known.Json.DeepClone())]))));
        var (exitCode, output, errors) = (await Programs.RunAsync("node", ["validate.mjs"], lists.ToJsonString(), Folder))!.Value;
        return exitCode == 0
            ? JsonNode.Parse(output)!.AsObject().ToDictionary(problems => problems.Key, problems => problems.Value.Texts())
            : throw new InvalidDataException($"validate.mjs: {errors}");
    }

    private static async Task<string?> InstallAsync()
    {
        const string Wanted = "npm and Node 20 or newer check objects against their schemas: see https://nodejs.org.";
        if (await Programs.RunAsync("node", ["--version"]) is not (0, _, _) || await Programs.RunAsync("npm", ["--version"]) is not (0, _, _))
        {
            return $"There is no node or no npm. {Wanted}";
        }

        var wanted = await File.ReadAllTextAsync(Path.Combine(Folder, "package-lock.json"));
        var installed = Path.Combine(Folder, "node_modules", ".of-package-lock.json");
        if (File.Exists(installed) && await File.ReadAllTextAsync(installed) == wanted)
        {
            return null;
        }

        var (exitCode, output, errors) = (await Programs.RunAsync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"], folder: Folder))!.Value;
        if (exitCode != 0)
        {
            return errors.Split('\n').FirstOrDefault(line => NoNetwork.Any(line.Contains)) is { } cause ? $"npm can't fetch the schemas: {cause.Trim()}" : throw new InvalidDataException($"npm ci: {output}{errors}");
        }

        await File.WriteAllTextAsync(installed, wanted);
        return null;
    }
}
