using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.Replay;
using FlEvents.Standalone.Report;
using FlEvents.Standalone.RunFiles;
using Microsoft.Extensions.Options;
using Spectre.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents run</c>: a whole federation in one process, from a run file to a model.</summary>
public static class RunCommand
{
    private static readonly Argument<string?> File = new("file") { Description = "Run file (JSON).", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> Out = new("--out") { Description = "Folder for summary.json, model.safetensors, report.html, events.jsonl and state. [default: out/NAME]" };
    private static readonly Option<Transport> Transport = new("--transport") { Description = "What carries the events: memory, or rabbitmq at Bus__RabbitMqUrl.", DefaultValueFactory = _ => ServiceDefaults.Messaging.Transport.Memory };
    private static readonly Option<long?> Seed = new("--seed") { Description = "Replaces the run's seed." };
    private static readonly Option<string[]> Set = new("--set") { Description = "key=value: replaces a value of the run file, e.g. training.learningRate=0.05." };
    private static readonly Option<string?> Resume = new("--resume") { Description = "Goes on with the run in this folder, in place of a run file." };
    private static readonly Option<string> Listen = new("--listen") { Description = "Address of the API while it runs.", DefaultValueFactory = _ => "http://127.0.0.1:0" };

    public static Command Create()
    {
        var command = new Command("run", "Runs a federation in this process, from a run file to a model.") { File, Out, Transport, Seed, Set, Resume, Listen };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private static async Task<int> ExecuteAsync(ParseResult options, CancellationToken cancellationToken)
    {
        if (ListenAddress.Check(options.GetValue(Listen)!) is { } error)
        {
            return Refuse([$"--listen: {error}"]);
        }

        var (folder, file, transport, exitCode) = options.GetValue(Resume) is { } resumed ? Open(options, resumed) : Start(options);
        if (folder is null || file is null)
        {
            return exitCode;
        }

        using var held = folder.TryHold();
        if (held is null)
        {
            return Refuse([$"Another process is at work in {folder.Path}."]);
        }

        try
        {
            return await RunAsync(folder, file, transport, options.GetValue(Listen)!, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await System.Console.Error.WriteLineAsync($"Interrupted. Go on with: ./flevents run --resume {folder.Path}");
            return ExitCode.Failed;
        }
        catch (OptionsValidationException e)
        {
            return Refuse(e.Failures);
        }
    }

    private static (RunFolder? Folder, RunFile? File, Transport Transport, int ExitCode) Start(ParseResult options)
    {
        if (options.GetValue(File) is not { } path)
        {
            return (null, null, default, Refuse(["Expected a run file, or --resume with a folder."]));
        }

        var overrides = options.GetValue(Set) ?? [];
        var reading = RunFileReader.LoadWithData(path, options.GetValue(Seed) is { } seed ? [.. overrides, $"run.seed={seed}"] : overrides);
        if (reading.Spec is not { } file)
        {
            return (null, null, default, ErrorList.Write(System.Console.Error, reading.Errors));
        }

        var transport = options.GetValue(Transport);
        var target = options.GetValue(Out) ?? Path.Combine("out", Path.GetFileNameWithoutExtension(path));
        var (folder, error) = RunFolder.Create(target, file, transport);
        return (folder, file, transport, error is null ? ExitCode.Done : Refuse([error]));
    }

    private static (RunFolder? Folder, RunFile? File, Transport Transport, int ExitCode) Open(ParseResult options, string path)
    {
        if (options.GetValue(File) is not null || options.GetValue(Out) is not null || options.GetValue(Seed) is not null || options.GetValue(Set) is { Length: > 0 })
        {
            return (null, null, default, Refuse(["--resume goes on with the run as it was started: no run file, --out, --seed or --set beside it."]));
        }

        var (folder, file, transport, error) = RunFolder.Open(path);
        return (folder, file, transport, error is null ? ExitCode.Done : Refuse([error]));
    }

    private static async Task<int> RunAsync(RunFolder folder, RunFile file, Transport transport, string url, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        await using var federation = await Federation.StartAsync(file, folder.State, transport, url, cancellationToken);
        var plural = file.Simulation.Clients == 1 ? "" : "s";
        System.Console.Out.WriteLine($"{file.Run.Name}: {file.Simulation.Clients} client{plural}, {file.Run.Rounds} rounds, seed {file.Run.Seed}. API at {federation.Url}");
        var run = (await LiveProgress.ShowAsync(AnsiConsole.Console, federation.RunAsync(cancellationToken), cancellationToken))!;
        run = run with { EventsHead = EventsFile.Write(folder.Events, await federation.EventsAsync(run.RunId, cancellationToken)) };
        var (rounds, contributions) = federation.Results(run.RunId);
        var summary = Summary.Create(run, rounds, contributions, run.Spec.Privacy.IsPrivate ? federation.Spending(contributions) : [], watch.Elapsed, ProductVersion);
        var files = new List<string> { folder.Report, folder.Summary };
        if (run.EventsHead is not null)
        {
            files.Insert(0, folder.Events);
        }

        if (run.Model is not null)
        {
            AtomicFile.Write(folder.Model, await federation.ModelAsync(run, cancellationToken));
            files.Insert(0, folder.Model);
        }

        ReportPage.Write(summary, folder.Report);
        Summary.Write(summary, folder.Summary);
        RunEnding.Write(System.Console.Out, summary, files.Select(Shown));
        return ExitCode.Of(run.State);
    }

    private static string Shown(string path) =>
        Path.GetRelativePath(Environment.CurrentDirectory, path) is var relative && relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;

    private static string ProductVersion => typeof(RunCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    private static int Refuse(IEnumerable<string> errors)
    {
        foreach (var error in errors)
        {
            System.Console.Error.WriteLine(error);
        }

        return ExitCode.BadInput;
    }
}
