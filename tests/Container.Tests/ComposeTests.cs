using System.Text.RegularExpressions;
using FlEvents.Standalone.Commands;
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
        var service = Text[Text.IndexOf("x-service:", StringComparison.Ordinal)..Text.IndexOf("x-exceptions:", StringComparison.Ordinal)];
        Assert.All(["user: \"10001:10001\"", "read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "stop_grace_period: 60s"], line => Assert.Contains(line, service, StringComparison.Ordinal));
        Assert.Contains("<<: *service", Text[Text.IndexOf("x-worker:", StringComparison.Ordinal)..Text.IndexOf("x-worker-environment:", StringComparison.Ordinal)], StringComparison.Ordinal);

        string[] ours = ["orchestrator", "aggregator", "privacy-accountant", "worker-1", "worker-2", "worker-3", "first-run"];
        Assert.Equal(ours.Concat(["secrets", "rabbitmq", "prometheus", "grafana"]).Order(StringComparer.Ordinal), Services.Keys.Order(StringComparer.Ordinal));
        Assert.All(ours, name => Assert.Matches(@"<<: \*(service|worker)\n", Services[name]));
        Assert.All(Images.Tags, image => Assert.Contains($"image: {image.Value}\n", Text, StringComparison.Ordinal));
        Assert.All(Images.Tags, image => Assert.Contains($"SERVICE: {image.Key} }}", Text, StringComparison.Ordinal));
    }

    [Fact]
    public void Who_makes_the_secrets_is_on_no_network_and_has_no_rights_but_to_write_them() => Assert.All(
        ["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "network_mode: none"], line => Assert.Contains(line, Services["secrets"], StringComparison.Ordinal));

    [Fact]
    public void Each_has_its_own_secrets_alone_and_cannot_change_them()
    {
        var makes = Mount().Matches(Services["secrets"]).ToDictionary(mount => mount.Groups["volume"].Value, mount => mount.Groups["path"].Value);
        Assert.All(makes, made => Assert.Equal($"secrets-{made.Value["/secrets/".Length..]}", made.Key));
        Assert.Equal(
            [
                "aggregator: secrets-aggregator at /run/secrets:ro", "first-run: secrets-operator at /run/secrets:ro", "orchestrator: secrets-orchestrator at /run/secrets:ro",
                "privacy-accountant: secrets-privacy-accountant at /run/secrets:ro", "rabbitmq: secrets-rabbitmq at /etc/rabbitmq/flevents:ro", "worker-1: secrets-pool-client at /run/secrets:ro",
                "worker-2: secrets-pool-client at /run/secrets:ro", "worker-3: secrets-pool-client at /run/secrets:ro",
            ],
            from service in Services
            where service.Key != "secrets"
            from mount in Mount().Matches(service.Value)
            orderby service.Key
            select $"{service.Key}: {mount.Groups["volume"]} at {mount.Groups["path"]}");
        Assert.Equal(makes.Keys.Order(StringComparer.Ordinal), Mount().Matches(Text).Select(mount => mount.Groups["volume"].Value).Distinct().Order(StringComparer.Ordinal));
        Assert.All(Services.Where(service => service.Key is not "secrets" && Mount().IsMatch(service.Value)), service =>
            Assert.Matches(@"<<: \*(service|worker)\n|depends_on: \*secrets\n", service.Value));
    }

    /// <summary>What the file says and what the secrets' folder says are what the service starts with, and only TLS is excepted.</summary>
    [Theory]
    [InlineData("orchestrator"), InlineData("aggregator"), InlineData("privacy-accountant"), InlineData("pool-client")]
    public void A_service_has_a_user_of_its_own_and_keys_and_only_TLS_is_excepted(string holder)
    {
        using var folder = new TemporaryFolder();
        SecretsCommand.Write(folder.Path, new Uri(Regex.Match(Services["secrets"], "--broker, \"([^\"]+)\"").Groups[1].Value), Regex.Matches(Services["secrets"], @"--pool, ([\w-]+)").Select(pool => pool.Groups[1].Value).ToList(), []);
        var files = Directory.GetFiles(Path.Combine(folder.Path, holder)).ToDictionary(file => Path.GetFileName(file), File.ReadAllText);

        Assert.Equal((holder, "rabbitmq:5672"), (new Uri(files["Bus__RabbitMqUrl"]).UserInfo.Split(':')[0], new Uri(files["Bus__RabbitMqUrl"]).Authority));
        Assert.Contains("Security__ApiKeys__operator__Sha256", files.Keys);
        Assert.Equal(["Bus__AllowPlaintext", "Security__AllowPlaintext"], Regex.Matches(Text, @"\w+__Allow\w+").Select(exception => exception.Value).Distinct());
        Assert.DoesNotMatch("(?i)guest|password_|_pass|RabbitMqUrl", Text);
    }

    [Fact]
    public void Nothing_can_be_reached_from_beyond_the_machine()
    {
        Assert.All(Services.Values.Where(service => service.Contains("ports:", StringComparison.Ordinal)), service => Assert.Matches(@"ports: \[""127\.0\.0\.1:", service));
        Assert.Equal(Services.Values.Count(service => service.Contains("ports:", StringComparison.Ordinal)), Port().Count(Text));
    }

    [GeneratedRegex(@"^  ([\w-]+):\n((?:    .*\n)+)", RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"(?<volume>secrets-[\w-]+):(?<path>/[^\s"",\]]+)")]
    private static partial Regex Mount();

    [GeneratedRegex("""ports: \["[^"]*"\]""")]
    private static partial Regex Port();
}
