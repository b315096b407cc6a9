using System.Diagnostics;
using System.Globalization;
using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Safetensors;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Aggregation;

/// <summary>Thousands of updates for one round.</summary>
public sealed class FloodTests(RabbitMqBroker broker, ITestOutputHelper output)
{
    private const int AtOnce = 16;
    private const long MiB = 1 << 20;

    /// <summary>What the process may hold more in the second half of the flood than in its first tenth, whatever the number of updates.</summary>
    private const long LargestGrowth = 64 * MiB;

    private static readonly int Updates = FuzzPlan.IsFull ? 10_000 : 1_000;

    /// <summary>250,010 parameters: an update of 1 MB.</summary>
    private static readonly RunSpec Spec = new()
    {
        Name = "flood",
        Rounds = 1,
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [25_000], Outputs = 10 },
        Data = new DataSpec { DataSet = "plants" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 4 },
    };

    [Fact]
    public async Task The_memory_of_an_Aggregator_is_flat_under_a_flood_of_updates_and_their_mean_is_exact()
    {
        // Updates are kept until their round is final, and a part of them is in the page cache and the log as well.
        var needed = Updates * 1_200_000L;
        var room = new DriveInfo(Path.GetTempPath()).AvailableFreeSpace;
        Assert.SkipUnless(room > needed, $"Needs {needed / MiB} MiB of disk for temporary files; there are {room / MiB}.");

        await using var host = await VirtualHost.CreateAsync(broker);
        await using var aggregator = await AggregatorProcess.StartAsync(host, Spec);
        var clients = Enumerable.Range(0, Updates).Select(i => i.ToString("client-00000", CultureInfo.InvariantCulture)).ToList();
        var started = Stopwatch.GetTimestamp();
        var (announced, admitted) = (0, 0);
        byte[] model;
        ResidentMemory memory;
        await using (memory = new ResidentMemory(aggregator.ProcessId, () => (double)Volatile.Read(ref admitted) / Updates))
        {
            await aggregator.OpenAsync(clients);
            var admissions = Task.Run(async () =>
            {
                for (; admitted < Updates; Interlocked.Increment(ref admitted))
                {
                    await aggregator.NextAsync<UpdateAdmitted>();
                }
            });
            await Parallel.ForEachAsync(clients, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken }, async (client, _) =>
            {
                var bytes = SafetensorsWriter.Write(aggregator.Model.Layout, Delta(client, aggregator.Model));
                await aggregator.UploadAsync(client, bytes);
                await aggregator.PublishAsync(aggregator.Submission(client, bytes, Examples(client)));
                Interlocked.Increment(ref announced);
            });
            await admissions;
            model = await aggregator.AggregateAsync(minimumReports: Updates);
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        var (early, late) = (memory.Peak(0, 0.1), memory.Peak(0.5, 1));
        var sent = Updates * (long)model.Length;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Updates} updates, {sent / MiB} MiB up in {elapsed.TotalSeconds:0} s ({Updates / elapsed.TotalSeconds:0}/s, {AtOnce} at once); resident: {memory.Start / MiB} MiB at the start, {early / MiB} in the first tenth, {late / MiB} in the second half."));
        output.WriteLine($"Most in each tenth, MiB: {string.Join(' ', Enumerable.Range(0, 10).Select(tenth => memory.Peak(tenth / 10.0, (tenth + 1) / 10.0) / MiB))}.");
        AssertMean(clients, aggregator.Model, model);
        Assert.True(late - early <= LargestGrowth, $"{(late - early) / MiB} MiB more in the second half than in the first tenth; at most {LargestGrowth / MiB}.");
    }

    /// <summary>w + Σ n_k Δ_k / Σ n_k, in double and in the order of the clients, which is the order the product promises: the same bits.</summary>
    private static void AssertMean(IReadOnlyList<string> clients, Model model, byte[] served)
    {
        var sums = new double[model.ParameterCount];
        var total = 0L;
        foreach (var client in clients)
        {
            var examples = Examples(client);
            total += examples;
            var delta = Delta(client, model);
            for (var i = 0; i < delta.Length; i++)
            {
                sums[i] += delta[i] * (double)examples;
            }
        }

        var initial = model.InitialWeights(Spec.Seed);
        var expected = sums.Select((sum, i) => (float)(initial[i] + (sum / total))).ToArray();
        using var stream = new MemoryStream(served);
        Assert.Equal(expected, SafetensorsHeader.Read(stream, served.Length).ReadWeights(stream, model.Layout));
    }

    private static int Examples(string client) => 1 + SeededRandom.Derive(1, "examples", client).NextInt(1000);

    private static float[] Delta(string client, Model model)
    {
        var random = SeededRandom.Derive(1, "delta", client);
        var delta = new float[model.ParameterCount];
        for (var i = 0; i < delta.Length; i++)
        {
            delta[i] = (int)(random.NextUInt64() >> 40) / (float)(1 << 24);
        }

        return delta;
    }
}
