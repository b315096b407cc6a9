using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Events;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Commands;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.Replay;
using FlEvents.Standalone.Report;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Tests.Replay;

/// <summary>The folder of a run, as <c>flevents run</c> leaves it.</summary>
internal static class ReplayedRun
{
    /// <summary>Runs to the end and leaves log, models, updates, ledger and summary in a folder.</summary>
    public static async Task<RunView> LeaveAsync(RunFile file, string folder)
    {
        await using var federation = await Federation.StartAsync(file, Path.Combine(folder, "state"), Transport.Memory, "http://127.0.0.1:0", CancellationToken.None);
        RunView? run = null;
        await foreach (var change in federation.RunAsync(CancellationToken.None))
        {
            run = change.Run;
        }

        run = run! with { EventsHead = EventsFile.Write(Path.Combine(folder, "events.jsonl"), await federation.EventsAsync(run!.RunId, CancellationToken.None)) };
        await File.WriteAllBytesAsync(Path.Combine(folder, "model.safetensors"), await federation.ModelAsync(run, CancellationToken.None));
        var (rounds, contributions) = federation.Results(run.RunId);
        Summary.Write(Summary.Create(run, rounds, contributions, federation.Spending(contributions), TimeSpan.FromSeconds(1), "1.0"), Path.Combine(folder, "summary.json"));
        return run;
    }

    /// <summary>What <c>flevents replay</c> says of a folder.</summary>
    public static (int ExitCode, string Output, string Errors) Replay(string folder)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        return (ReplayCommand.Execute(folder, output, errors), output.ToString(), errors.ToString());
    }

    /// <summary>The records of a sound file.</summary>
    public static IReadOnlyList<EventRecord> Records(string folder) =>
        [.. EventsFile.Read(new MemoryStream(File.ReadAllBytes(Path.Combine(folder, "events.jsonl")))).Select(line => line.Record!)];

    /// <summary>Writes a log anew, with a chain that verifies and a summary that names its head: what one who has the folder can do.</summary>
    public static void Forge(string folder, IEnumerable<EventRecord> records)
    {
        var head = HashChain.Empty;
        var forged = new List<EventRecord>();
        foreach (var record in records)
        {
            var at = record.At is { } text ? DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : (DateTimeOffset?)null;
            forged.Add(EventChain.Append(head, record.Type, record.Body, at));
            head = new ChainHead(forged[^1].Sequence, forged[^1].Hash);
        }

        EventsFile.Write(Path.Combine(folder, "events.jsonl"), forged);
        File.WriteAllText(Path.Combine(folder, "summary.json"), $$"""{ "eventsHead": "{{head.Hash}}" }""");
    }

    /// <summary>Copies a folder with all that is in it.</summary>
    public static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}

/// <summary>A run without privacy of two rounds and a model of 7,850 parameters whose updates are kept; done once for the tests that read it.</summary>
public sealed class KeptRun : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    public string Folder => _folder.Path;

    public RunView Run { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Run = await ReplayedRun.LeaveAsync(
        Privacy.PrivateRun.Read(null, "rounds=2", "keepUpdates=all", "model={ \"name\": \"logistic\", \"inputShape\": [1, 28, 28], \"outputs\": 10 }"), Folder);

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return default;
    }
}
