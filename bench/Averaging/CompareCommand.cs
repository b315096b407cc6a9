using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Standalone.Report;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;

namespace FlEvents.Bench.Averaging;

/// <summary><c>fedavg-compare</c>: FlEvents beside an independent federated averaging in numpy, with the same randomness and with each its own.</summary>
public static class CompareCommand
{
    private const string Python = "/usr/bin/python3";
    private const double LargestDifference = 1e-5;
    private const double LargestAccuracyDifference = 0.003;
    private const double LargestMeanDifference = 0.01;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    private static readonly Argument<string> Data = new("mnist") { Description = "Folder with MNIST's t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz." };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds after which accuracy is compared.", DefaultValueFactory = _ => 20 };
    private static readonly Option<int> OwnRandomness = new("--own-randomness") { Description = "Also that many seeds with randomness of each one's own.", DefaultValueFactory = _ => 0 };

    public static Command Create()
    {
        var command = new Command("fedavg-compare", "Compares samples/mnist.json with bench/peers/fedavg_numpy.py.") { Data, Rounds, OwnRandomness };
        command.SetAction(async (options, _) =>
        {
            using var folder = new TemporaryFolder();
            var comparison = new Comparison(options.GetValue(Data)!, options.GetValue(Rounds), folder);
            var isGood = await comparison.WithOnePlanAsync();
            if (options.GetValue(OwnRandomness) is > 0 and var seeds)
            {
                isGood &= await comparison.WithOwnRandomnessAsync(seeds);
            }

            return isGood ? 0 : 1;
        });
        return command;
    }

    private sealed class Comparison(string mnist, int rounds, TemporaryFolder folder)
    {
        private static string Sample => Repository.File("samples", "mnist.json");

        /// <summary>Same initial weights, partition, cohorts and batches: the results differ by rounding alone.</summary>
        public async Task<bool> WithOnePlanAsync()
        {
            Environment.SetEnvironmentVariable("MNIST_DIR", Path.GetFullPath(mnist));
            var file = PlanCommand.Load(Sample, [$"rounds={rounds}"]);
            AveragingPlan.Write(file, folder.File("plan"));
            await PeerAsync(file, "peer", "--plan", folder.File("plan"));
            await FlEventsAsync("first", "rounds=1");
            var ours = await FlEventsAsync("whole", $"rounds={rounds}");
            var theirs = PeerAccuracy("peer");
            var (norm, worst, tensor) = Difference(file, folder.File("first", "model.safetensors"), folder.File("peer", "round-1.safetensors"));
            var accuracy = ours.Zip(theirs, (a, b) => Math.Abs(a - b)).ToList();
            Write($"weights after round 1: ‖a − b‖ / ‖b‖ = {norm:0.0e+0} over all, at most {worst:0.0e+0} in a tensor ({tensor}); target {LargestDifference:0e+0}");
            Write($"accuracy after {rounds} rounds: {ours[^1]:0.00 %} and {theirs[^1]:0.00 %}, difference {accuracy[^1] * 100:0.00} points (at most {accuracy.Max() * 100:0.00} in any round); target {LargestAccuracyDifference * 100:0.0}");
            return worst <= LargestDifference && norm <= LargestDifference && accuracy[^1] <= LargestAccuracyDifference;
        }

        /// <summary>Each draws for itself: the means over the seeds agree.</summary>
        public async Task<bool> WithOwnRandomnessAsync(int seeds)
        {
            var file = PlanCommand.Load(Sample, [$"rounds={rounds}"]);
            var (ours, theirs) = (new List<double>(), new List<double>());
            for (var seed = 1; seed <= seeds; seed++)
            {
                ours.Add((await FlEventsAsync($"own-{seed}", $"rounds={rounds}", $"seed={seed}", $"simulation.partition.seed={seed}"))[^1]);
                await PeerAsync(file, $"peer-own-{seed}", [.. OwnArguments(file), "--seed", $"{seed}"]);
                theirs.Add(PeerAccuracy($"peer-own-{seed}")[^1]);
            }

            var difference = Math.Abs(ours.Average() - theirs.Average());
            Write($"own randomness, seeds 1 to {seeds}, accuracy after {rounds} rounds:");
            Write($"  FlEvents {string.Join(", ", ours.Select(Percent))}, mean {ours.Average():0.00 %}");
            Write($"  numpy    {string.Join(", ", theirs.Select(Percent))}, mean {theirs.Average():0.00 %}");
            Write($"  difference of the means {difference * 100:0.00} points; target {LargestMeanDifference * 100:0}");
            return difference <= LargestMeanDifference;
        }

        private static string[] OwnArguments(RunFile file)
        {
            var (run, plan) = (file.Run, AveragingPlan.Draw(file));
            return
            [
                "--own-randomness",
                "--layers", string.Join('-', plan.Layers),
                "--clients", $"{file.Simulation.Clients}",
                "--cohort", $"{plan.Cohorts[0].Length}",
                "--rounds", $"{run.Rounds}",
                "--epochs", $"{run.Training.LocalEpochs}",
                "--batch-size", $"{run.Training.BatchSize}",
                "--learning-rate", run.Training.LearningRate.ToString(CultureInfo.InvariantCulture),
                "--train-count", $"{plan.TrainCount}",
            ];
        }

        /// <returns>Accuracy after each round.</returns>
        private async Task<IReadOnlyList<double>> FlEventsAsync(string name, params string[] settings)
        {
            string[] arguments =
            [
                Path.Combine(AppContext.BaseDirectory, "flevents.dll"), "run", Sample, "--out", folder.File(name), .. settings.SelectMany(setting => new[] { "--set", setting }),
            ];
            await RunAsync("dotnet", arguments);
            var summary = JsonSerializer.Deserialize<SummaryFile>(await File.ReadAllBytesAsync(folder.File(name, "summary.json")), SummaryFile.Json)!;
            return [.. summary.Rounds.Select(round => round.Accuracy!.Value)];
        }

        private Task PeerAsync(RunFile file, string name, params string[] arguments)
        {
            var source = file.Simulation.Data[file.Run.Data.DataSet];
            return RunAsync(
                Python, [Repository.File("bench", "peers", "fedavg_numpy.py"), "--images", source.Images!, "--labels", source.Labels!, "--out", folder.File(name), .. arguments]);
        }

        private IReadOnlyList<double> PeerAccuracy(string name)
        {
            using var result = JsonDocument.Parse(File.ReadAllBytes(folder.File(name, "result.json")));
            return [.. result.RootElement.GetProperty("accuracy").EnumerateArray().Select(value => value.GetDouble())];
        }

        private static (double Norm, double Worst, string Tensor) Difference(RunFile file, string ours, string theirs)
        {
            var layout = Model.Create(file.Run.Model).Layout;
            var (a, b) = (Weights(ours, layout), Weights(theirs, layout));
            var (worst, tensor) = layout.Tensors.Select(slice => (Relative(a, b, slice.Offset, slice.Length), slice.Name)).Max();
            return (Relative(a, b, 0, layout.Length), worst, tensor);
        }

        /// <summary>‖a − b‖₂ / ‖b‖₂ over a part of two vectors.</summary>
        private static double Relative(float[] a, float[] b, int from, int length)
        {
            var (difference, norm) = (0.0, 0.0);
            for (var i = from; i < from + length; i++)
            {
                difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
                norm += (double)b[i] * b[i];
            }

            return Math.Sqrt(difference / norm);
        }

        private static float[] Weights(string path, ModelLayout layout)
        {
            using var file = File.OpenRead(path);
            return SafetensorsHeader.Read(file, file.Length).ReadWeights(file, layout);
        }

        private static async Task RunAsync(string program, IEnumerable<string> arguments)
        {
            await using var process = ChildProcess.Start(program, arguments);
            if (await process.WaitForExitAsync(Longest) != 0)
            {
                throw new InvalidDataException(string.Join('\n', process.Output.TakeLast(20)));
            }
        }

        private static string Percent(double share) => share.ToString("0.00 %", CultureInfo.InvariantCulture);
    }

    private static void Write(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
