using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FlEvents.Standalone.Report;
using FlEvents.Testing;

namespace FlEvents.Bench.Privacy;

/// <summary><c>dpsgd-compare</c>: FlEvents beside an independent DP-SGD in PyTorch, each with randomness of its own.</summary>
public static class DpSgdCompareCommand
{
    private const string Python = "/usr/bin/python3";
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(20);

    private static readonly Argument<string> Data = new("mnist") { Description = "Folder with MNIST's t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz." };
    private static readonly Option<int> Seeds = new("--seeds") { Description = "Runs of each side.", DefaultValueFactory = _ => 5 };

    public static Command Create()
    {
        var command = new Command("dpsgd-compare", "Compares bench/Privacy/dpsgd-mnist.json with bench/peers/dpsgd_torch.py.") { Data, Seeds };
        command.SetAction(async (options, _) =>
        {
            using var folder = new TemporaryFolder();
            Environment.SetEnvironmentVariable("MNIST_DIR", Path.GetFullPath(options.GetValue(Data)!));
            var (ours, theirs, epsilon) = (new List<double>(), new List<double>(), 0.0);
            for (var seed = 1; seed <= options.GetValue(Seeds); seed++)
            {
                var summary = await FlEventsAsync(folder.File($"run-{seed}"), seed);
                ours.Add(summary.Final!.Accuracy!.Value);
                epsilon = summary.Guarantee!.PldEpsilon!.Value;
                theirs.Add(await PeerAsync(options.GetValue(Data)!, seed));
                Write($"seed {seed}: FlEvents {ours[^1]:0.00 %}, PyTorch {theirs[^1]:0.00 %}");
            }

            return Report(ours, theirs, epsilon);
        });
        return command;
    }

    // Both sides draw anew: their means differ by chance within 2.5 standard errors, or by a point at most.
    private static int Report(List<double> ours, List<double> theirs, double epsilon)
    {
        var error = Math.Sqrt((Variance(ours) + Variance(theirs)) / ours.Count);
        var (difference, most) = (Math.Abs(ours.Average() - theirs.Average()), Math.Max(0.01, 2.5 * error));
        Write($"ε = {epsilon:0.000} at δ = 1e-5 (certified, 340 steps with q = 256/8,500 and z = 1.1)");
        Write($"means {ours.Average():0.00 %} and {theirs.Average():0.00 %}, difference {difference * 100:0.00} points; target {most * 100:0.00}");
        return difference <= most ? 0 : 1;
    }

    private static double Variance(List<double> values) => values.Sum(value => Math.Pow(value - values.Average(), 2)) / Math.Max(1, values.Count - 1);

    private static async Task<SummaryFile> FlEventsAsync(string folder, int seed)
    {
        await RunAsync(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "flevents.dll"), "run", Repository.File("bench", "Privacy", "dpsgd-mnist.json"), "--seed", $"{seed}", "--out", folder]);
        return JsonSerializer.Deserialize<SummaryFile>(await File.ReadAllBytesAsync(Path.Combine(folder, "summary.json")), SummaryFile.Json)!;
    }

    private static async Task<double> PeerAsync(string mnist, int seed)
    {
        var output = await RunAsync(Python,
        [
            Repository.File("bench", "peers", "dpsgd_torch.py"),
            "--images", Path.Combine(mnist, "t10k-images-idx3-ubyte.gz"),
            "--labels", Path.Combine(mnist, "t10k-labels-idx1-ubyte.gz"),
            "--learning-rate", "1",
            "--seed", $"{seed}",
        ]);
        return JsonDocument.Parse(output).RootElement.GetProperty("accuracy").GetDouble();
    }

    private static async Task<string> RunAsync(string program, IEnumerable<string> arguments)
    {
        await using var child = ChildProcess.Start(program, arguments);
        var exitCode = await child.WaitForExitAsync(Longest);
        var output = string.Join('\n', child.Output);
        return exitCode == 0 ? output : throw new InvalidDataException($"{program} ended with {exitCode}:\n{output}");
    }

    private static void Write(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
