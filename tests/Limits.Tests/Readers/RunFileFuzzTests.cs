using System.Text;
using FlEvents.Learning;
using FlEvents.Learning.Randomness;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Readers;

/// <summary>Run files and bodies of <c>POST /runs</c> that nobody meant well.</summary>
public sealed class RunFileFuzzTests(ITestOutputHelper output)
{
    private const int MiB = 1 << 20;

    private static readonly string[] Samples = [.. new[] { "digits.json", "digits-private.json", "mnist.json" }.Select(name => File.ReadAllText(Repository.File("samples", name)))];

    [Fact]
    public Task A_mutated_run_file_is_read_or_refused_with_every_path_that_is_wrong() => FuzzPlan.RunAsync(
        "run file",
        FuzzPlan.Cases(12_000),
        output,
        Mutated,
        bytes => Attempt(RunFileReader.Read(bytes, AppContext.BaseDirectory, [], _ => null)),
        (_, length) => 8 * MiB + (40L * length));

    [Fact]
    public Task A_mutated_override_is_taken_or_refused() => FuzzPlan.RunAsync(
        "override",
        FuzzPlan.Cases(8_000),
        output,
        random => ByteMutation.Of("training.learningRate=0.0525"u8, "model.hidden.0={\"a\": [1, 2, 3e5]}"u8, random),
        bytes => Attempt(RunFileReader.Read(Encoding.UTF8.GetBytes(Samples[0]), AppContext.BaseDirectory, ["rounds=3", Encoding.UTF8.GetString(bytes)], _ => null)),
        (_, _) => 4 * MiB);

    [Theory]
    [MemberData(nameof(Hostile))]
    public void A_body_of_a_megabyte_made_to_hurt_is_refused_with_few_errors_and_bounded_memory(string name, string json)
    {
        var body = Encoding.UTF8.GetBytes(json);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var reading = RunSpecReader.Read(body);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"{name}: {body.Length} bytes, {reading.Errors.Count} errors, {allocated >> 10} KiB allocated.");
        Assert.Null(reading.Spec);
        Assert.InRange(reading.Errors.Sum(error => error.Path.Length + error.Message.Length), 1, 1 << 16);
        Assert.InRange(allocated, 0, 96 * MiB);
    }

    public static TheoryData<string, string> Hostile()
    {
        const int Room = (1 << 20) - 1000;
        return new TheoryData<string, string>
        {
            { "unknown keys", $"{{{string.Join(',', Enumerable.Range(0, 80_000).Select(i => $"\"k{i}\":1"))}}}" },
            { "the same key again and again", $"{{{string.Join(',', Enumerable.Repeat("\"rounds\":1", 90_000))}}}" },
            { "one long key", $"{{\"{new string('r', Room)}\":1}}" },
            { "one long text", $"{{\"name\":\"{new string('x', Room)}\"}}" },
            { "one long number", $"{{\"rounds\":{new string('9', Room)}}}" },
            { "wrong items", $"{{\"model\":{{\"inputShape\":[{string.Join(',', Enumerable.Repeat("\"\"", 300_000))}]}}}}" },
            { "layers without end", $"{{\"model\":{{\"layers\":[{string.Join(',', Enumerable.Repeat("{}", 300_000))}]}}}}" },
            { "columns of one name", $"{{\"data\":{{\"columns\":[{string.Join(',', Enumerable.Repeat("{\"name\":\"a\",\"kind\":\"numeric\"}", 30_000))}]}}}}" },
            { "nested lists", new string('[', Room) },
            { "escapes", $"{{\"name\":\"{string.Concat(Enumerable.Repeat("\\ud83d\\ude00", 80_000))}\"}}" },
        };
    }

    private static byte[] Mutated(SeededRandom random)
    {
        var sample = Samples[random.NextInt(Samples.Length)];
        return random.NextInt(4) == 0
            ? ByteMutation.Of(Encoding.UTF8.GetBytes(sample), Encoding.UTF8.GetBytes(Samples[random.NextInt(Samples.Length)]), random)
            : Encoding.UTF8.GetBytes(JsonMutation.Of(sample, random));
    }

    private static Outcome Attempt(SpecReading<RunFile> reading)
    {
        if (reading.Spec is not null)
        {
            Assert.Empty(reading.Errors);
            return Outcome.Taken;
        }

        Assert.NotEmpty(reading.Errors);
        Assert.All(reading.Errors, (SpecError error) => Assert.True(error.Path.Length > 0 && error.Message.Length > 5, $"{error.Path}: {error.Message}"));
        return Outcome.Refused;
    }
}
