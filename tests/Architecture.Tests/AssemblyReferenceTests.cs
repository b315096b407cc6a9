using System.Reflection;

namespace FlEvents.Architecture.Tests;

/// <summary>What the assemblies refer to, read from their metadata.</summary>
public sealed class AssemblyReferenceTests
{
    private const string Standalone = "flevents";

    private static readonly string[] Services = ["FlEvents.Orchestrator", "FlEvents.Aggregator", "FlEvents.PrivacyAccountant", "FlEvents.ClientWorker"];

    private static readonly string BaseLibrary = Path.GetDirectoryName(typeof(object).Assembly.Location)!;

    [Theory]
    [InlineData("FlEvents.Contracts")]
    [InlineData("FlEvents.Learning", "FlEvents.Contracts", "CsvHelper")]
    [InlineData("FlEvents.DifferentialPrivacy", "FlEvents.Contracts")]
    public void The_core_references_the_base_library_and_nothing_but(string name, params string[] allowed)
    {
        var foreign = ReferencesOf(name).Where(reference => !File.Exists(Path.Combine(BaseLibrary, reference + ".dll"))).Except(allowed);

        AssertNone(foreign);
    }

    [Fact]
    public void No_service_references_another()
    {
        var pairs = Services.SelectMany(service => ReferencesOf(service).Intersect([.. Services, Standalone]).Select(other => $"{service} → {other}"));

        AssertNone(pairs);
    }

    [Fact]
    public void What_the_services_share_references_none_of_them()
    {
        string[] shared = ["FlEvents.Contracts", "FlEvents.Learning", "FlEvents.DifferentialPrivacy", "FlEvents.ServiceDefaults"];
        var pairs = shared.SelectMany(part => ReferencesOf(part).Intersect([.. Services, Standalone]).Select(other => $"{part} → {other}"));

        AssertNone(pairs);
    }

    private static void AssertNone(IEnumerable<string> found) => Assert.True(!found.Any(), string.Join('\n', found));

    private static IEnumerable<string> ReferencesOf(string name) => Assembly.Load(name).GetReferencedAssemblies().Select(reference => reference.Name!);
}
