using System.CommandLine;
using FlEvents.Bench.Averaging;
using FlEvents.Bench.Engine;
using FlEvents.Bench.Privacy;
using FlEvents.Bench.Rounds;

var root = new RootCommand("Measures FlEvents; docs/benchmarks.md says what comes out.")
{
    RoundsCommand.Create(),
    ScaleCommand.Create(),
    EngineCommand.Create(),
    PrivateStepCommand.Create(),
    NoiseCommand.Create(),
    AccountingCommand.Create(),
    PlanCommand.Create(),
    CompareCommand.Create(),
    DpSgdCompareCommand.Create(),
};
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (InvalidDataException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
