using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Testing;
using FlEvents.Testing.Noise;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.EndToEnd.Tests;

/// <summary>Runs with privacy, as a user starts them and as their files tell of them.</summary>
public sealed class PrivacyTests : IDisposable
{
    private static readonly string[] Private = ["training.validationFraction=0", "evaluation.federated=false"];
    private static readonly string[] Central = ["privacy.mode=central", "privacy.central.clipNorm=1", "privacy.central.noiseMultiplier=0.5", "selection.count=4"];
    private static readonly string[] Local = ["privacy.mode=local", "privacy.local.clipNorm=1", "privacy.local.noiseMultiplier=0.5"];
    private static readonly string[] Example = ["privacy.mode=example", "privacy.example.clipNorm=1", "privacy.example.noiseMultiplier=1"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, string[]> Modes => new()
    {
        { "central", "client", Central },
        { "local", "client", Local },
        { "example", "example", Example },
        { "example+central", "client", [.. Example, .. Central, "privacy.mode=example+central"] },
        { "local+central", "client", [.. Local, .. Central, "privacy.mode=local+central"] },
    };

    [Theory, MemberData(nameof(Modes))]
    public async Task Every_mode_runs_to_its_end_and_says_what_it_promises(string mode, string unit, string[] changes)
    {
        var (exitCode, output) = await RunAsync(changes);
        Assert.True(exitCode == 0, output);
        Assert.Contains($"Privacy   per {unit}, against", output, StringComparison.Ordinal);

        var summary = Product.Summary(_folder.File("out"));
        var guarantee = summary.GetProperty("guarantee");
        Assert.Equal((mode, unit), (guarantee.GetProperty("mode").GetString(), guarantee.GetProperty("unit").GetString()));
        var (filter, schedule) = (guarantee.GetProperty("filterEpsilon").GetDouble(), guarantee.GetProperty("pldEpsilon").GetDouble());
        Assert.InRange(schedule, 0.01, filter);
        Assert.All(summary.GetProperty("clients").EnumerateArray(), client =>
        {
            Assert.Equal(filter, client.GetProperty("epsilon").GetDouble(), 9);
            Assert.Equal(System.Text.Json.JsonValueKind.Null, client.GetProperty("trainingSeconds").ValueKind);
        });
        Assert.Contains("What is not", await File.ReadAllTextAsync(Path.Combine(_folder.File("out"), "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_private_runs_of_one_seed_differ_and_without_their_noise_they_do_not()
    {
        foreach (var changes in new[] { Central, Local, Example })
        {
            var file = TinyRun.Read([.. Private, .. changes]);
            Assert.NotEqual(await InProcess.ModelSha256Async(file), await InProcess.ModelSha256Async(file));
            Assert.Equal(await SilentAsync(), await SilentAsync());

            Task<string> SilentAsync() => InProcess.ModelSha256Async(file, services => services.AddSingleton<INoiseSource>(new SilentNoise()));
        }
    }

    [Fact]
    public async Task A_run_whose_budgets_end_ends_with_its_last_model_and_code_3()
    {
        // α/(2z²) = 16 for each round at order 8: room for two of three.
        var (exitCode, output) = await RunAsync(
            [.. Central, "simulation.budgets.client.epsilon=35", "simulation.budgets.client.delta=1e-5", "simulation.budgets.client.alpha=8"]);
        Assert.True(exitCode == 3, output);
        var summary = Product.Summary(_folder.File("out"));
        Assert.Equal("budgetExhausted", summary.GetProperty("state").GetString());
        var done = summary.GetProperty("rounds").EnumerateArray().Where(round => round.GetProperty("state").GetString() == "done").ToList();
        Assert.Equal(2, done.Count);
        Assert.Equal(done[^1].GetProperty("modelSha256").GetString(), summary.GetProperty("modelSha256").GetString());
        Assert.Equal(Product.ModelSha256(_folder.File("out")), summary.GetProperty("modelSha256").GetString());
    }

    private async Task<(int ExitCode, string Output)> RunAsync(IEnumerable<string> changes)
    {
        var file = _folder.File("run.json");
        await File.WriteAllTextAsync(file, TinyRun.Json);
        return await Product.RunAsync(["run", file, "--out", _folder.File("out"), .. Private.Concat(changes).SelectMany(change => new[] { "--set", change })]);
    }
}
