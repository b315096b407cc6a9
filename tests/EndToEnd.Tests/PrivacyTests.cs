using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
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
        Assert.Contains($"Privacy   for each {unit}, against", output, StringComparison.Ordinal);

        var summary = Product.Summary(_folder.File("out"));
        var guarantee = summary.GetProperty("guarantee");
        Assert.Equal((mode, unit), (guarantee.GetProperty("mode").GetString(), guarantee.GetProperty("unit").GetString()));
        var (filter, schedule) = (guarantee.GetProperty("filterEpsilon").GetDouble(), guarantee.GetProperty("pldEpsilon").GetDouble());
        Assert.InRange(schedule, 0.01, filter);

        // Who sees models alone sees more noise: √(z² + z²) for z, with sensitivity 2C.
        var seen = guarantee.GetProperty("publicEpsilon");
        Assert.Equal(mode == "local+central", seen.ValueKind == System.Text.Json.JsonValueKind.Number && seen.GetDouble() < 0.8 * schedule);
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
    public async Task A_client_takes_part_in_no_more_rounds_than_the_run_allows_it()
    {
        var (exitCode, output) = await RunAsync([.. Central, "privacy.central.roundsPerClient=1", "selection.count=2", "selection.minimumReports=1", "selection.minimumClients=1"]);
        Assert.True(exitCode == 3, output);
        Assert.Contains("0 clients have privacy budget and rounds left", output, StringComparison.Ordinal);
        var summary = Product.Summary(_folder.File("out"));
        Assert.Equal(2, summary.GetProperty("rounds").GetArrayLength());
        Assert.All(summary.GetProperty("clients").EnumerateArray(), client => Assert.Equal(1, client.GetProperty("roundsParticipated").GetInt32()));
    }

    [Fact]
    public async Task A_clipping_norm_that_adapts_moves_within_its_range_and_costs_nothing_more()
    {
        string[] adapting = [.. Central, "privacy.central.adaptive.smallestNorm=0.9", "privacy.central.adaptive.largestNorm=1.2"];
        var (exitCode, output) = await RunAsync(adapting);
        Assert.True(exitCode == 0, output);
        var summary = Product.Summary(_folder.File("out"));
        var norms = summary.GetProperty("rounds").EnumerateArray().Select(round => round.GetProperty("clipNorm").GetDouble()).ToList();
        Assert.Equal(1, norms[0]);
        Assert.All(norms, norm => Assert.InRange(norm, 0.9, 1.2));
        Assert.True(norms.Distinct().Count() > 1, "The clipping norm did not move.");
        var epsilon = summary.GetProperty("guarantee").GetProperty("filterEpsilon").GetDouble();
        await RunAsync(Central);
        Assert.Equal(epsilon, Product.Summary(_folder.File("out")).GetProperty("guarantee").GetProperty("filterEpsilon").GetDouble(), 9);
    }

    [Fact]
    public async Task A_private_round_waits_for_its_whole_cohort_and_not_for_the_first_that_are_enough()
    {
        var (exitCode, output) = await RunAsync([.. Central, "selection.count=1", "selection.overSelection=3", "selection.minimumReports=1", "selection.minimumClients=1"]);
        Assert.True(exitCode == 0, output);
        Assert.All(Product.Summary(_folder.File("out")).GetProperty("rounds").EnumerateArray(), round =>
            Assert.Equal((4, 4), (round.GetProperty("clientsSelected").GetInt32(), round.GetProperty("updatesAdmitted").GetInt32())));
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

    [Fact]
    public async Task A_run_by_patients_declares_draws_and_charges_them_and_names_none()
    {
        // 200 visits of 40 patients, whose ids nothing else could spell.
        var visits = Enumerable.Range(0, 200).Select(visit => (Patient: visit < 40 ? visit : visit * visit % 40, Age: 20 + (visit * 7 % 60)));
        await File.WriteAllTextAsync(
            _folder.File("visits.csv"),
            "age,patient,ill\n" + string.Concat(visits.Select(visit => $"{visit.Age},patient-zq{visit.Patient},{(visit.Age > 50 ? "yes" : "no")}\n")));
        await File.WriteAllTextAsync(_folder.File("visits.json"), """
            {
              "run": {
                "name": "visits",
                "rounds": 2,
                "model": { "name": "logistic", "inputShape": [1], "outputs": 2 },
                "data": {
                  "dataSet": "visits",
                  "columns": [{ "name": "age", "kind": "numeric", "mean": 50, "scale": 20 }],
                  "label": { "name": "ill", "classes": ["no", "yes"] },
                  "privacyUnitColumn": "patient"
                },
                "training": { "learningRate": 0.1, "batchSize": 4 },
                "privacy": { "mode": "example", "example": { "clipNorm": 1, "noiseMultiplier": 1 } }
              },
              "simulation": { "clients": 4, "data": { "visits": { "kind": "csv", "path": "visits.csv" } } }
            }
            """);
        var (exitCode, output) = await Product.RunAsync(["run", _folder.File("visits.json"), "--out", _folder.File("out")]);
        Assert.True(exitCode == 0, output);
        Assert.Contains("Privacy   for all rows with one value of \"patient\", against", output, StringComparison.Ordinal);

        var summary = Product.Summary(_folder.File("out"));
        Assert.Equal([10, 10, 10, 10], summary.GetProperty("clients").EnumerateArray().Select(client => client.GetProperty("examples").GetInt32()));
        Assert.Equal("all rows with one value of \"patient\"", summary.GetProperty("guarantee").GetProperty("unitText").GetString());

        // Two rounds of ⌈10/4⌉ = 3 steps with q = 0.4: what a client of ten examples would be charged.
        Assert.Equal(
            PldAccountant.Epsilon(new RepeatedEvent(new SubsampledGaussianEvent(0.4, 1, 3), 2), 1e-5).Upper,
            summary.GetProperty("guarantee").GetProperty("pldEpsilon").GetDouble(), 6);
        Assert.All(
            Directory.EnumerateFiles(_folder.File("out"), "*", SearchOption.AllDirectories),
            file => Assert.False(File.ReadAllBytes(file).AsSpan().IndexOf("patient-zq"u8) >= 0, $"{file} holds a value of the column."));
        Assert.DoesNotContain("patient-zq", output, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, string Output)> RunAsync(IEnumerable<string> changes)
    {
        var file = _folder.File("run.json");
        await File.WriteAllTextAsync(file, TinyRun.Json);
        return await Product.RunAsync(["run", file, "--out", _folder.File("out"), .. Private.Concat(changes).SelectMany(change => new[] { "--set", change })]);
    }
}
