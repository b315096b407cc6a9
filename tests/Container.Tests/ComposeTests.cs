using System.Text.RegularExpressions;
using FlEvents.Testing;

namespace FlEvents.Container.Tests;

/// <summary>What <c>compose.yaml</c> says, read without an engine.</summary>
public sealed partial class ComposeTests
{
    private static readonly string Text = File.ReadAllText(Repository.File("compose.yaml"));

    private static readonly Dictionary<string, string> Services = Block().Matches(Text[Text.IndexOf("\nservices:", StringComparison.Ordinal)..Text.IndexOf("\nnetworks:", StringComparison.Ordinal)])
        .ToDictionary(block => block.Groups[1].Value, block => block.Groups[2].Value);

    [Fact]
    public void Every_program_of_ours_runs_read_only_as_nobody_in_particular_and_without_capabilities()
    {
        var service = Text[Text.IndexOf("x-service:", StringComparison.Ordinal)..Text.IndexOf("x-broker:", StringComparison.Ordinal)];
        Assert.All(["user: \"10001:10001\"", "read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "stop_grace_period: 60s"], line => Assert.Contains(line, service, StringComparison.Ordinal));
        Assert.Contains("<<: *service", Text[Text.IndexOf("x-worker:", StringComparison.Ordinal)..Text.IndexOf("x-worker-environment:", StringComparison.Ordinal)], StringComparison.Ordinal);

        string[] ours = ["orchestrator", "aggregator", "privacy-accountant", "worker-1", "worker-2", "worker-3", "first-run"];
        Assert.Equal(ours.Concat(["rabbitmq", "prometheus", "grafana"]).Order(StringComparer.Ordinal), Services.Keys.Order(StringComparer.Ordinal));
        Assert.All(ours, name => Assert.Matches(@"<<: \*(service|worker)\n", Services[name]));
        Assert.All(Images.Tags, image => Assert.Contains($"image: {image.Value}\n", Text, StringComparison.Ordinal));
        Assert.All(Images.Tags, image => Assert.Contains($"SERVICE: {image.Key} }}", Text, StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_can_be_reached_from_beyond_the_machine()
    {
        Assert.All(Services.Values.Where(service => service.Contains("ports:", StringComparison.Ordinal)), service => Assert.Matches(@"ports: \[""127\.0\.0\.1:", service));
        Assert.Equal(Services.Values.Count(service => service.Contains("ports:", StringComparison.Ordinal)), Port().Count(Text));
    }

    [GeneratedRegex(@"^  ([\w-]+):\n((?:    .*\n)+)", RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex("""ports: \["[^"]*"\]""")]
    private static partial Regex Port();
}
