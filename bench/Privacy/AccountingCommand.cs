using System.CommandLine;
using System.Globalization;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.Bench.Privacy;

/// <summary><c>accounting</c>: how long a bracket, a Rényi bound and a charge take, and how wide the brackets are.</summary>
public static class AccountingCommand
{
    private const double Delta = 1e-5;

    private static readonly (string Name, PrivacyEvent Event)[] Cases =
    [
        ("10,000 steps, one (q, z)", new SubsampledGaussianEvent(0.01, 1.1, 10_000)),
        ("10,000 steps, three (q, z)", new EventSequence(
            new SubsampledGaussianEvent(0.01, 1.1, 4000), new SubsampledGaussianEvent(0.02, 1.5, 3000), new SubsampledGaussianEvent(0.005, 0.8, 3000))),
        ("10,000 steps, q = 0.001, z = 0.6", new SubsampledGaussianEvent(0.001, 0.6, 10_000)),
        ("2,000 steps, q = 0.005, z = 1.2", new SubsampledGaussianEvent(0.005, 1.2, 2000)),
        ("50 steps, q = 0.2, z = 3", new SubsampledGaussianEvent(0.2, 3, 50)),
        ("40 Laplace releases, b = 8", new RepeatedEvent(new LaplaceEvent(8), 40)),
    ];

    public static Command Create()
    {
        var command = new Command("accounting", "Measures the privacy accountants on one thread.");
        command.SetAction((_, _) => Task.FromResult(Execute()));
        return command;
    }

    private static int Execute()
    {
        Write($"{Measurement.Machine}; warm, best of several medians, one thread, δ = {Delta}");
        foreach (var (name, composed) in Cases)
        {
            var bracket = PldAccountant.Epsilon(composed, Delta);
            var bound = RdpAccountant.Epsilon(composed, Delta);
            var byLoss = Measurement.BestMedian(() => PldAccountant.Epsilon(composed, Delta), warmUps: 3, repetitions: 3, medians: 3);
            var byOrders = Measurement.BestMedian(() => RdpAccountant.Epsilon(composed, Delta), warmUps: 20, repetitions: 21);
            var wide = (bracket.Upper - bracket.Lower) / bracket.Upper;
            Write($"{name}: ε in [{bracket.Lower:0.000000}, {bracket.Upper:0.000000}], {wide:0.0e+0} wide, {byLoss * 1e3:0} ms");
            Write($"  Rényi {bound.Value:0.0000}, {byOrders * 1e3:0.00} ms");
        }

        var round = new SubsampledGaussianEvent(0.01, 1.1, 100);
        var budget = new BudgetSpec(3, Delta, 6);
        Write($"a charge at a fixed order: {Measurement.BestMedian(() => budget.Charge(round), warmUps: 200, repetitions: 101) * 1e6:0.0} µs");
        Write($"the proposal of an order: {Measurement.BestMedian(() => BudgetSpec.Propose(3, Delta, [round]), warmUps: 20, repetitions: 21) * 1e3:0.00} ms");
        Write($"{Measurement.Machine} at the end");
        return 0;
    }

    private static void Write(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
