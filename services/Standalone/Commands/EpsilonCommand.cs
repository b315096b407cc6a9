using System.CommandLine;
using System.Globalization;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents epsilon</c>: what a mechanism costs in privacy, without a run and without data.</summary>
public static class EpsilonCommand
{
    private static readonly string[] Accountants = ["pld", "rdp", "zcdp"];

    private static readonly Option<double> SamplingRate = new("--q") { Description = "Sampling rate, from 0 to 1.", DefaultValueFactory = _ => 1 };
    private static readonly Option<double?> NoiseMultiplier = new("--z") { Description = "Noise multiplier σ/Δ." };
    private static readonly Option<long> Steps = new("--steps") { Description = "Number of steps.", DefaultValueFactory = _ => 1 };
    private static readonly Option<string?> Event = new("--event") { Description = "Any event in its JSON form, instead of --q, --z and --steps." };
    private static readonly Option<double> Delta = new("--delta") { Description = "δ, above 0 and below 1.", DefaultValueFactory = _ => 1e-5 };
    private static readonly Option<double?> Epsilon = new("--epsilon") { Description = "Asks for δ at this ε instead of for ε." };
    private static readonly Option<double?> Target = new("--target-epsilon") { Description = "Asks for the smallest noise multiplier that reaches this ε." };
    private static readonly Option<string?> Orders = new("--orders") { Description = "Rényi orders to use and no others, e.g. 1.1:10.9:0.1,11:63:1,128." };
    private static readonly Option<string?> Batch = new("--batch") { Description = "Answers a file of vectors (JSON) instead." };
    private static readonly Option<string> Accountant = new("--accountant")
    {
        Description = "pld, rdp or zcdp.",
        DefaultValueFactory = _ => "pld",
    };

    public static Command Create()
    {
        Accountant.AcceptOnlyFromAmong(Accountants);
        var command = new Command("epsilon", "Says what a mechanism costs: ε at a δ, δ at an ε, or the noise a target needs.")
        {
            SamplingRate, NoiseMultiplier, Steps, Event, Delta, Epsilon, Target, Accountant, Orders, Batch,
        };
        command.SetAction(options => Answer(options, System.Console.Out, System.Console.Error));
        return command;
    }

    private static int Answer(ParseResult options, TextWriter output, TextWriter errors)
    {
        if (options.GetValue(Batch) is { } file)
        {
            return VectorBatch.Write(output, errors, file);
        }

        try
        {
            return options.GetValue(Target) is { } target
                ? Calibrate(options, output, target)
                : EpsilonReport.Write(output, Question(options, AskedEvent(options)));
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            var end = e.Message.IndexOf(" (Parameter '", StringComparison.Ordinal);
            errors.WriteLine(end < 0 ? e.Message : e.Message[..end]);
            return ExitCode.BadInput;
        }
    }

    private static EpsilonQuestion Question(ParseResult options, PrivacyEvent asked) => new()
    {
        Event = asked,
        Delta = options.GetValue(Delta),
        Epsilon = options.GetValue(Epsilon),
        Accountant = options.GetValue(Accountant)!,
        Orders = options.GetValue(Orders) is { } orders ? OrderList.Parse(orders) : null,
    };

    private static PrivacyEvent AskedEvent(ParseResult options)
    {
        if (options.GetValue(Event) is { } text)
        {
            return PrivacyEventText.Read(text);
        }

        return options.GetValue(NoiseMultiplier) is { } z
            ? new SubsampledGaussianEvent(options.GetValue(SamplingRate), z, options.GetValue(Steps))
            : throw new FormatException("Expected --z (a noise multiplier), --event (an event as JSON), --target-epsilon or --batch.");
    }

    private static int Calibrate(ParseResult options, TextWriter output, double target)
    {
        var (q, steps, delta) = (options.GetValue(SamplingRate), options.GetValue(Steps), options.GetValue(Delta));
        var orders = options.GetValue(Orders) is { } list ? OrderList.Parse(list) : null;
        Func<PrivacyEvent, double> epsilonOf = options.GetValue(Accountant) switch
        {
            "rdp" => composed => RdpAccountant.Epsilon(composed, delta, orders).Value,
            "zcdp" => composed => ZcdpAccountant.Epsilon(ZcdpAccountant.Total(composed)!, delta).Value,
            _ => composed => PldAccountant.Epsilon(composed, delta).Upper,
        };
        var z = Calibration.NoiseMultiplier(z => epsilonOf(new SubsampledGaussianEvent(q, z, steps)), target, 1e-6);
        if (z is null)
        {
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"No noise multiplier reaches ε = {target} at δ = {delta}."));
        }

        // Rounded up to what is printed.
        var printed = Math.Ceiling(z.Value * 1e6) / 1e6;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"z = {printed} for ε = {target} at δ = {delta}"));
        return EpsilonReport.Write(output, Question(options, new SubsampledGaussianEvent(q, printed, steps)));
    }
}
