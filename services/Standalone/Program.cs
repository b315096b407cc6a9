using System.CommandLine;
using FlEvents.Standalone.Commands;
using FlEvents.Standalone.Console;

var root = new RootCommand("FlEvents: federated learning by services that exchange events.")
{
    RunCommand.Create(),
    CheckCommand.Create(),
    PlanCommand.Create(),
    LedgerCommand.Create(),
    ClientCommand.Create(),
    ReplayCommand.Create(),
    EventsCommand.Create(),
    DeploymentCommands.CreateSubmit(),
    DeploymentCommands.CreateStatus(),
    DeploymentCommands.CreateWatch(),
    BackupCommand.Create(),
    BackupCommand.CreateRestore(),
    QuarantineCommand.Create(),
    EnrolmentCommand.Create(),
    AuditLogCommand.Create(),
    ModelCommand.Create(),
    ApiKeyCommand.Create(),
    BrokerUsersCommand.Create(),
    SecretsCommand.Create(),
    EpsilonCommand.Create(),
    AuditCommand.Create(),
    AttackCommand.Create(),
    SbomCommand.Create(),
};
var parsed = root.Parse(args);

// A run that is interrupted takes its time: tasks go back, and what is in hand is stored.
var invocation = new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) };
return parsed.Errors.Count > 0 && parsed.Action is System.CommandLine.Invocation.ParseErrorAction
    ? await parsed.InvokeAsync(invocation) == 0 ? ExitCode.Done : ExitCode.BadInput
    : await parsed.InvokeAsync(invocation);
