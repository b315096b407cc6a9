using System.CommandLine;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents sbom</c>: what this program is made of. The services answer the same argument.</summary>
public static class SbomCommand
{
    public static Command Create()
    {
        var command = new Command(BillOfMaterials.Argument, "Prints what this program is made of, as a CycloneDX bill of materials.");
        command.SetAction(_ =>
        {
            System.Console.Out.WriteLine(BillOfMaterials.OfThisProgram());
            return ExitCode.Done;
        });
        return command;
    }
}
