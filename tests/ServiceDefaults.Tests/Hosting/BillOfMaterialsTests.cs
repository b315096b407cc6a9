using System.Text.Json.Nodes;
using FlEvents.ServiceDefaults.Hosting;

namespace FlEvents.ServiceDefaults.Tests.Hosting;

public class BillOfMaterialsTests
{
    private const string Dependencies = """
        {
          "runtimeTarget": { "name": ".NETCoreApp,Version=v10.0/linux-x64" },
          "targets": {
            ".NETCoreApp,Version=v10.0": {},
            ".NETCoreApp,Version=v10.0/linux-x64": {
              "FlEvents.Example/1.0.0": { "dependencies": { "Dapper": "2.1.86", "Analyzer": "1.0.0", "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64": "10.0.12" } },
              "Dapper/2.1.86": {},
              "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/10.0.12": {}
            }
          },
          "libraries": {
            "FlEvents.Example/1.0.0": { "type": "project", "sha512": "" },
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/10.0.12": { "type": "runtimepack", "sha512": "" },
            "Dapper/2.1.86": { "type": "package", "sha512": "sha512-AAEC" }
          }
        }
        """;

    [Fact]
    public void A_program_names_its_packages_with_their_hashes_the_dotnet_it_brings_and_who_needs_whom()
    {
        var bill = JsonNode.Parse(BillOfMaterials.Of(Dependencies))!;

        Assert.Equal(("CycloneDX", "1.6", "FlEvents.Example"), ((string)bill["bomFormat"]!, (string)bill["specVersion"]!, (string)bill["metadata"]!["component"]!["name"]!));
        var components = bill["components"]!.AsArray();
        Assert.Equal(["pkg:nuget/Dapper@2.1.86", "pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@10.0.12"], components.Select(component => (string)component!["purl"]!));
        Assert.Equal("000102", (string)components[0]!["hashes"]![0]!["content"]!);
        var needs = bill["dependencies"]!.AsArray().Single(dependency => (string)dependency!["ref"]! == "FlEvents.Example/1.0.0")!["dependsOn"]!.AsArray();
        Assert.Equal(["Dapper/2.1.86", "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/10.0.12"], needs.Select(need => (string)need!));
    }

    [Fact]
    public void A_running_program_finds_its_own() => Assert.Contains("pkg:nuget/Dapper@", BillOfMaterials.OfThisProgram(), StringComparison.Ordinal);
}
