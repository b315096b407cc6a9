using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Learning.Randomness;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;

namespace FlEvents.Bench.Rounds;

/// <summary>A run in which next to nothing is computed: what its rounds take is what the services and their events take.</summary>
public static class SmallRun
{
    public const string DataSet = "small";

    private const int Rows = 9;
    private const int Columns = 11;
    private const int Classes = 10;
    private const int ExamplesPerClient = 20;

    /// <summary>
    /// Writes the data and the run file: logistic regression of 1,000 parameters (99 × 10 weights, 10 biases) on images of 9 × 11 pixels, 20 examples a
    /// client, two steps of 10.
    /// </summary>
    /// <param name="folder">Where the data and run.json go.</param>
    /// <param name="rounds">Rounds of the run, warm-up included.</param>
    /// <param name="clients">All of them take part in every round.</param>
    /// <param name="workers">Clients that train at the same time; null for as many as there are processors.</param>
    public static RunFile Create(TemporaryFolder folder, int rounds, int clients, int? workers)
    {
        WriteData(folder, clients * ExamplesPerClient);
        return Read(folder, Text(rounds, clients, workers));
    }

    /// <summary>Keeps a run file in a folder and reads it.</summary>
    public static RunFile Read(TemporaryFolder folder, string text)
    {
        File.WriteAllText(folder.File("run.json"), text);
        var reading = RunFileReader.Load(folder.File("run.json"), []);
        return reading.Spec ?? throw new InvalidDataException(string.Join('\n', reading.Errors.Select(error => $"{error.Path}: {error.Message}")));
    }

    // IDX: a magic number with the type (8 for bytes) and the number of dimensions, the dimensions, the bytes.
    private static void WriteData(TemporaryFolder folder, int examples)
    {
        var random = SeededRandom.Derive(1, "bench", "small");
        File.WriteAllBytes(
            folder.File("images"),
            [.. Idx(examples, Rows, Columns), .. Enumerable.Range(0, examples * Rows * Columns).Select(_ => (byte)random.NextInt(256))]);
        File.WriteAllBytes(folder.File("labels"), [.. Idx(examples), .. Enumerable.Range(0, examples).Select(i => (byte)(i % Classes))]);
    }

    private static byte[] Idx(params ReadOnlySpan<int> dimensions)
    {
        var header = new byte[4 * (1 + dimensions.Length)];
        BinaryPrimitives.WriteInt32BigEndian(header, 0x0800 + dimensions.Length);
        for (var i = 0; i < dimensions.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 * (i + 1)), dimensions[i]);
        }

        return header;
    }

    private static string Text(int rounds, int clients, int? workers) => JsonSerializer.Serialize(
        new
        {
            run = new
            {
                name = "rounds",
                rounds,
                model = new { name = "logistic", inputShape = new[] { Rows * Columns }, outputs = Classes },
                data = new { dataSet = DataSet },
                training = new { learningRate = 0.1, batchSize = 10 },
                selection = new { minimumClients = clients, minimumReports = clients },
            },
            simulation = new
            {
                clients,
                workers,
                data = new Dictionary<string, object> { [DataSet] = new { kind = "idx", images = "images", labels = "labels" } },
            },
        },
        Json);

    private static JsonSerializerOptions Json { get; } = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
}
