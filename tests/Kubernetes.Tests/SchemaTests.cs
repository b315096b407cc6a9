namespace FlEvents.Kubernetes.Tests;

/// <summary>Every object fits its schema, and the check catches what does not. All of them are checked at once: a start of node costs more than a check.</summary>
public sealed class SchemaTests
{
    private static readonly string[] Folders = ["k8s/overlays/local", "k8s/overlays/production", "k8s/overlays/silo", "k8s/overlays/edge", "k8s/restore"];
    private static readonly Lazy<Task<IReadOnlyDictionary<string, IReadOnlyList<string>>>> Problems = new(CheckAsync);

    public static TheoryData<string> Sound => [.. Kustomize.Cases(Folders)];

    public static TheoryData<string> Broken => [.. Kustomize.Cases(Misfits)];

    private static IEnumerable<string> Misfits => Fixture.All.Where(fixture => fixture.Rule == Fixture.Schema).Select(fixture => fixture.Name);

    [Theory, MemberData(nameof(Sound))]
    public async Task Every_object_fits_its_schema(string folder)
    {
        var problems = (await Problems.Value)[folder];

        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Theory, MemberData(nameof(Broken))]
    public async Task A_schema_catches_what_is_broken(string fixture) => new Fixture(fixture).AssertCaughtBy((await Problems.Value)[fixture]);

    private static async Task<IReadOnlyDictionary<string, IReadOnlyList<string>>> CheckAsync()
    {
        var manifests = new Dictionary<string, Manifest>();
        foreach (var folder in Folders)
        {
            manifests[folder] = await Kustomize.RenderAsync(folder);
        }

        foreach (var fixture in Misfits)
        {
            manifests[fixture] = await new Fixture(fixture).RenderAsync();
        }

        return await SchemaCheck.RunAsync(manifests);
    }
}
