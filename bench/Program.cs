using System.CommandLine;
using FlEvents.Bench.Averaging;
using FlEvents.Bench.Engine;
using FlEvents.Bench.Rounds;

var root = new RootCommand("Measures FlEvents; docs/benchmarks.md says what comes out.")
{
    RoundsCommand.Create(),
    EngineCommand.Create(),
    FlEvents.Bench.Privacy.AccountingCommand.Create(),
    PlanCommand.Create(),
    CompareCommand.Create(),
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
