using System.Text.Json.Nodes;

[assembly: AssemblyFixture(typeof(FlEvents.Container.Tests.Images))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace FlEvents.Container.Tests;

/// <summary>Each image for itself, with the least rights that a container can have.</summary>
public sealed class ImageTests(Images images, ITestOutputHelper output)
{
    private static readonly string[] Confined = ["run", "--rm", "--read-only", "--user", "10001", "--cap-drop", "ALL", "--network", "none", "--tmpfs", "/tmp"];

    [Theory]
    [InlineData("Orchestrator")]
    [InlineData("Aggregator")]
    [InlineData("PrivacyAccountant")]
    [InlineData("ClientWorker")]
    [InlineData("Standalone")]
    public async Task An_image_says_what_it_is_made_of(string service)
    {
        var tag = Images.Tags[service];
        var bill = JsonNode.Parse(await images.Engine.DockerAsync([.. Confined, tag, "sbom"]))!;
        Assert.Equal("CycloneDX", (string)bill["bomFormat"]!);
        Assert.Contains(bill["components"]!.AsArray(), component => ((string)component!["name"]!).StartsWith("Microsoft.NETCore.App.Runtime", StringComparison.Ordinal));
        output.WriteLine($"{tag}: {bill["components"]!.AsArray().Count} components, {await images.Engine.DockerAsync("image", "inspect", "--format", "{{.Size}}", tag)} bytes with its base");
    }

    [Theory]
    [InlineData("Orchestrator", "Orchestrator__DispatchAhead", "many")]
    [InlineData("ClientWorker", "ClientWorker__Clients", "0")]
    [InlineData("Aggregator", "Bus__RabbitMqUrl", "")]
    public async Task A_wrong_option_ends_a_container_with_one_line_that_names_it(string service, string option, string value)
    {
        var (exitCode, said) = await images.Engine.TryDockerAsync([.. Confined, "--env", $"{option}={value}", Images.Tags[service]]);
        Assert.Equal(2, exitCode);
        Assert.Contains(option.Split("__")[^1], said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_may_not_be_written_is_named_in_one_line()
    {
        var (exitCode, said) = await images.Engine.TryDockerAsync(
            [.. Confined, "--env", "Security__AllowPlaintext=true", "--env", "Security__AllowAnonymous=true", Images.Tags["PrivacyAccountant"]]);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("/data", said, StringComparison.Ordinal);
        output.WriteLine(said);
    }
}
