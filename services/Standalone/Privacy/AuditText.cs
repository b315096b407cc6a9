using System.Globalization;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Privacy;

/// <summary>An audit as text: a block for each mechanism, and a verdict in a sentence.</summary>
public static class AuditText
{
    public static void Write(TextWriter output, AuditReport report)
    {
        output.WriteLine($"{report.Run}: audit of privacy mode {SpecKeys.Names(typeof(PrivacyMode))[(int)report.Mode]}, confidence {Number(report.Confidence)}");
        foreach (var result in report.Mechanisms)
        {
            output.WriteLine();
            output.WriteLine(result.Mechanism);
            Line("releases", HumanUnits.Count(result.Releases));
            Line("canaries", HumanUnits.Count(result.Canaries));
            Line("guesses", $"{HumanUnits.Count(result.Guesses)}, {HumanUnits.Count(result.Correct)} of them correct");
            Line("lower bound", $"ε ≥ {Number(result.EpsilonLowerBound)} at δ = {Number(result.Delta)}, out of at most {Number(result.EpsilonCeiling)} that so many canaries can show");
            Line("ledger", $"ε ≤ {Number(result.FilterEpsilon)} by its filter, {(result.PldEpsilon is { } pld ? Number(pld) : "none")} by the privacy loss distribution, at the same δ");
            Line("stated", $"ε ≤ {Number(result.StatedEpsilon)} at δ = {Number(result.StatedDelta)}");
            Line("control", $"ε ≥ {Number(result.ControlEpsilon)} with a quarter of the noise");
            Line("verdict", Verdict(result));
        }

        void Line(string name, string value) => output.WriteLine($"  {name,-12} {value}");
    }

    private static string Verdict(AuditResult result) => result.Verdict switch
    {
        AuditVerdict.Broken => "BROKEN. More leaks than the ledger charges: do not run this build on private data.",
        AuditVerdict.Blind => "blind. Nothing contradicts the ledger, but with a quarter of the noise nothing would either: take more canaries.",
        _ => "consistent. Nothing contradicts the ledger.",
    };

    private static string Number(double value) =>
        value != 0 && Math.Abs(value) < 1e-3 ? value.ToString("0.##e0", CultureInfo.InvariantCulture) : value.ToString("0.####", CultureInfo.InvariantCulture);
}
