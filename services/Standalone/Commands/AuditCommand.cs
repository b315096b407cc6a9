using System.CommandLine;
using System.Text.Json;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Data;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.Report;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents audit</c>: an empirical lower bound on the ε of a run file's mechanisms, against what the ledger charges.</summary>
public static class AuditCommand
{
    private const int FewestCanaries = 1000;
    private const int MostCanaries = 1_000_000;

    private static readonly Argument<string> File = new("file") { Description = "Run file (JSON)." };
    private static readonly Option<int> Canaries = new("--canaries") { Description = "Canaries, 1000 to 1000000. More of them show a larger ε.", DefaultValueFactory = _ => FewestCanaries };
    private static readonly Option<double> Confidence = new("--confidence") { Description = "With which a sound build passes, in (0, 1).", DefaultValueFactory = _ => 0.999 };
    private static readonly Option<bool> Json = new("--json") { Description = "Writes the result as JSON." };
    private static readonly Option<string[]> Set = new("--set") { Description = "key=value: replaces a value of the run file." };

    public static Command Create()
    {
        var command = new Command("audit", "Audits a run file's privacy mechanisms: what canaries show, against what the ledger charges.") { File, Canaries, Confidence, Json, Set };
        command.SetAction(Execute);
        return command;
    }

    private static int Execute(ParseResult options)
    {
        var (canaries, confidence) = (options.GetValue(Canaries), options.GetValue(Confidence));
        if (canaries is < FewestCanaries or > MostCanaries)
        {
            return Refuse($"--canaries: expected a whole number from {FewestCanaries} to {MostCanaries}, got {canaries}.");
        }

        if (!(confidence > 0 && confidence < 1))
        {
            return Refuse($"--confidence: expected a number between 0 and 1, got {confidence}.");
        }

        var reading = RunFileReader.Load(options.GetValue(File)!, options.GetValue(Set) ?? []);
        if (reading.Spec is not { } file)
        {
            return ErrorList.Write(System.Console.Error, reading.Errors);
        }

        if (Audit.Refusal(file.Run, canaries) is { } refusal)
        {
            return Refuse(refusal);
        }

        try
        {
            // Data counts for its size alone, and only where that is part of the mechanism.
            var declared = file.Run.Privacy.HasExample ? Audit.FewestExamples(file) : 1;
            var report = Audit.Run(file, declared, canaries, confidence, new CryptographicNoise(), Environment.ProcessorCount);
            if (options.GetValue(Json))
            {
                System.Console.Out.WriteLine(JsonSerializer.Serialize(report, SummaryFile.Json));
            }
            else
            {
                AuditText.Write(System.Console.Out, report);
            }

            return report.IsBroken ? ExitCode.Failed : ExitCode.Done;
        }
        catch (Exception e) when (e is DataException or IOException)
        {
            return Refuse(e.Message);
        }
    }

    private static int Refuse(string error)
    {
        System.Console.Error.WriteLine(error);
        return ExitCode.BadInput;
    }
}
