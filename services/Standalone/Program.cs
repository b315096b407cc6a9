using System.CommandLine;
using FlEvents.Standalone.Commands;
using FlEvents.Standalone.Console;

var root = new RootCommand("FlEvents: federated learning by services that exchange events.")
{
    RunCommand.Create(),
    CheckCommand.Create(),
    DeploymentCommands.CreateStatus(),
    DeploymentCommands.CreateWatch(),
    ModelCommand.Create(),
};
var parsed = root.Parse(args);
return parsed.Errors.Count > 0 && parsed.Action is System.CommandLine.Invocation.ParseErrorAction
    ? await parsed.InvokeAsync() == 0 ? ExitCode.Done : ExitCode.BadInput
    : await parsed.InvokeAsync();
