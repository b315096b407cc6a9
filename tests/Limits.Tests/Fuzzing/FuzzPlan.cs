using System.Globalization;
using FlEvents.EndToEnd.Tests;
using FlEvents.Learning.Randomness;

namespace FlEvents.Limits.Tests;

/// <summary>
/// How much is tried, and from which seed. The number of cases is fixed, so that a run can be repeated; every case has a stream of its own, so that one can be
/// tried alone.
/// </summary>
internal static class FuzzPlan
{
    private const int FullFactor = 8;

    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1";

    /// <summary><c>FLEVENTS_FUZZ_SEED</c>, or 1.</summary>
    public static long Seed { get; } = long.TryParse(Environment.GetEnvironmentVariable("FLEVENTS_FUZZ_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : 1;

    /// <summary>As many cases as given, or several times as many with <c>FLEVENTS_FULL=1</c>.</summary>
    public static int Cases(int count, int fullFactor = FullFactor) => IsFull ? fullFactor * count : count;

    /// <summary>The random stream of one case.</summary>
    public static SeededRandom Stream(string target, int number) => SeededRandom.Derive(Seed, "fuzz", target, number);

    /// <summary>
    /// Tries every case on one thread, and writes down what came of them. A case must end in <see cref="Outcome.Taken"/> or <see cref="Outcome.Refused"/>, within the
    /// memory that is given; one that never ends fails too.
    /// </summary>
    /// <param name="largestAllocation">Most bytes that a case may allocate, from its outcome and its input's length.</param>
    public static async Task RunAsync(
        string target, int cases, ITestOutputHelper output, Func<SeededRandom, byte[]> make, Func<byte[], Outcome> attempt, Func<Outcome, int, long> largestAllocation)
    {
        var (number, taken, most) = (0, 0, 0L);
        var work = Task.Factory.StartNew(
            () =>
            {
                for (; number < cases; number++)
                {
                    var input = make(Stream(target, number));
                    var (outcome, allocated) = Measured(attempt, input, $"{target}, seed {Seed}, case {number}");
                    Assert.True(
                        allocated <= largestAllocation(outcome, input.Length),
                        $"{target}, seed {Seed}, case {number}: {allocated} bytes were allocated for {input.Length} bytes that were {outcome}; at most {largestAllocation(outcome, input.Length)}.");
                    taken += outcome == Outcome.Taken ? 1 : 0;
                    most = Math.Max(most, allocated);
                }
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        try
        {
            await work.WaitAsync(Product.Patience, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"{target}, seed {Seed}: case {number} does not end.");
        }

        output.WriteLine($"{target}: seed {Seed}, {cases} cases, {taken} taken, {cases - taken} refused, at most {most / 1024} KiB allocated for one.");
        Assert.InRange(taken, 1, cases - 1);
    }

    private static (Outcome Outcome, long Allocated) Measured(Func<byte[], Outcome> attempt, byte[] input, string name)
    {
        try
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var outcome = attempt(input);
            return (outcome, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{name}: {e.GetType().Name}: {e.Message}\nInput: {Convert.ToBase64String(input)}", e);
        }
    }
}

/// <summary>What a reader made of its input.</summary>
internal enum Outcome
{
    Taken,
    Refused,
}
