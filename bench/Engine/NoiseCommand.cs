using System.CommandLine;
using FlEvents.DifferentialPrivacy.Mechanisms;
using static FlEvents.Bench.Engine.EngineCommand;

namespace FlEvents.Bench.Engine;

/// <summary><c>noise</c>: what a value of privacy noise costs on one thread, its random bytes included.</summary>
public static class NoiseCommand
{
    private const int Count = 100_000;

    public static Command Create()
    {
        var command = new Command("noise", "Measures privacy noise from the system's cryptographic generator, in ns per value on one thread.");
        command.SetAction((_, _) => Task.FromResult(Execute()));
        return command;
    }

    private static int Execute()
    {
        Write($"{Measurement.Machine}; {Count:N0} values at a time, best of several medians, one thread, random bytes included");
        var noise = new CryptographicNoise();
        var values = new double[Count];
        var integers = new long[Count];
        var chosen = new int[Count];
        Row("Gaussian", () => noise.Gaussian(values, 1));
        Row("Laplace", () => noise.Laplace(values, 1));
        Row("discrete Gaussian, exact, σ = 2²⁰", () => noise.DiscreteGaussian(integers, 20));
        Row("Poisson batch, q = 0.01, for each example", () => noise.PoissonSample(Count, 0.01, chosen));
        Row("Poisson batch, q = 0.3, for each example", () => noise.PoissonSample(Count, 0.3, chosen));
        return 0;

        static void Row(string name, Action work) =>
            Write($"{name}: {Measurement.BestMedian(work, warmUps: 60, repetitions: 11, medians: 9) / Count * 1e9:0.0} ns");
    }
}
