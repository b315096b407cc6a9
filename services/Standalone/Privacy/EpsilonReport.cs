using System.Globalization;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Privacy;

/// <summary>What is asked about one event on the command line.</summary>
public sealed record EpsilonQuestion
{
    public required PrivacyEvent Event { get; init; }
    public required double Delta { get; init; }

    /// <summary><c>pld</c>, <c>rdp</c> or <c>zcdp</c>.</summary>
    public string Accountant { get; init; } = "pld";

    /// <summary>Orders for <c>rdp</c>; null to optimise.</summary>
    public IReadOnlyList<double>? Orders { get; init; }

    /// <summary>Asks for δ at this ε instead.</summary>
    public double? Epsilon { get; init; }
}

/// <summary>Writes the ε or δ of one event, with what it rests on.</summary>
public static class EpsilonReport
{
    private const int Digits = 6;
    private const int CertifiedDigits = 10;

    public static int Write(TextWriter output, EpsilonQuestion question)
    {
        var (composed, delta) = (question.Event, question.Delta);
        var given = question.Epsilon is { } epsilon ? Line($"ε = {epsilon}") : Line($"δ = {delta}");
        var symbol = question.Epsilon is null ? 'ε' : 'δ';
        var rdp = question.Epsilon is { } at
            ? RdpAccountant.Delta(composed, at, question.Orders)
            : RdpAccountant.Epsilon(composed, delta, question.Orders);
        switch (question.Accountant)
        {
            case "rdp":
                Write(output, symbol, rdp.Value, given);
                WriteOrder(output, rdp);
                return Finite(output, rdp.Value);
            case "zcdp":
                return Zcdp(output, question, symbol, given);
            default:
                var bound = question.Epsilon is { } level ? PldAccountant.Delta(composed, level) : PldAccountant.Epsilon(composed, delta);
                Write(output, symbol, bound.Upper, given);
                output.WriteLine(Line($"Certified  from {Rounded(bound.Lower, CertifiedDigits, isUp: false)} to {Rounded(bound.Upper, CertifiedDigits, isUp: true)}"));
                output.WriteLine(bound.RdpReason is null
                    ? "Accountant privacy loss distribution, both directions; for a schedule fixed in advance"
                    : $"Accountant Rényi, because {bound.RdpReason}");
                output.WriteLine(Line($"By Rényi   {Rounded(rdp.Value, CertifiedDigits, isUp: true)}"));
                WriteOrder(output, rdp);
                return Finite(output, bound.Upper);
        }
    }

    private static int Zcdp(TextWriter output, EpsilonQuestion question, char symbol, string given)
    {
        if (ZcdpAccountant.Total(question.Event) is not { } total)
        {
            output.WriteLine("There is no zCDP bound.");
            return ExitCode.Done;
        }

        var bound = question.Epsilon is { } epsilon ? ZcdpAccountant.Delta(total, epsilon) : ZcdpAccountant.Epsilon(total, question.Delta);
        Write(output, symbol, bound.Value, given);
        output.WriteLine(Line($"ρ          {total.Rho:G10}, charged without amplification by sampling"));
        WriteOrder(output, bound);
        return ExitCode.Done;
    }

    private static void Write(TextWriter output, char symbol, double value, string given) => output.WriteLine(Line($"{symbol} = {Rounded(value, Digits, isUp: true)} at {given}"));

    /// <summary>To so many digits, upwards or downwards: a bound that is printed must still be one.</summary>
    private static double Rounded(double value, int digits, bool isUp)
    {
        if (!(value > 1e-300 && double.IsFinite(value)))
        {
            return value;
        }

        var unit = Math.Pow(10, Math.Floor(Math.Log10(value)) - (digits - 1));
        var units = isUp ? Math.Ceiling(value / unit) : Math.Floor(value / unit);
        var rounded = double.Parse((units * unit).ToString($"G{digits}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return (isUp ? rounded >= value : rounded <= value) ? rounded : value;
    }

    private static void WriteOrder(TextWriter output, RdpBound bound)
    {
        if (!double.IsNaN(bound.Order))
        {
            output.WriteLine(Line($"Order      {bound.Order:G6}{(bound.AtEdge ? ", the edge of the orders tried: another may be better" : "")}"));
        }
    }

    private static int Finite(TextWriter output, double value)
    {
        if (double.IsInfinity(value))
        {
            output.WriteLine("There is no finite bound.");
        }

        return ExitCode.Done;
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
