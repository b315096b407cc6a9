using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Report;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Hosting;

/// <summary>The folder of one simulation: its run file as it was started, the services' state, and what came out.</summary>
public sealed class RunFolder
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private RunFolder(string path) => Path = path;

    public string Path { get; }

    public string State => System.IO.Path.Combine(Path, "state");

    public string Summary => System.IO.Path.Combine(Path, "summary.json");

    public string Model => System.IO.Path.Combine(Path, "model.safetensors");

    public string Report => System.IO.Path.Combine(Path, "report.html");

    /// <summary>The run's event log, once it has ended.</summary>
    public string Events => System.IO.Path.Combine(Path, "events.jsonl");

    private string Start => System.IO.Path.Combine(Path, "start.json");

    /// <summary>A folder for a new simulation. What a finished one has left there is replaced.</summary>
    /// <returns>The folder, or why it can't be used.</returns>
    public static (RunFolder? Folder, string? Error) Create(string path, RunFile file, Transport transport)
    {
        var folder = new RunFolder(System.IO.Path.GetFullPath(path));
        if (File.Exists(path))
        {
            return (null, $"{path} is a file; expected a folder.");
        }

        if (File.Exists(folder.Start) && !File.Exists(folder.Summary))
        {
            return (null, $"{path} holds a run that has not ended: go on with it by --resume {path}, or choose another folder.");
        }

        if (Directory.Exists(folder.State) && !File.Exists(folder.Start))
        {
            return (null, $"{folder.State} exists and is not of a run: choose another folder.");
        }

        try
        {
            folder.Begin(new Started { File = file, Transport = transport });
            return (folder, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, $"{path} cannot hold a run: {e.Message}");
        }
    }

    /// <summary>The folder of a simulation that was started before.</summary>
    /// <returns>The folder with what it was started with, or why there is none.</returns>
    public static (RunFolder? Folder, RunFile? File, Transport Transport, string? Error) Open(string path)
    {
        var folder = new RunFolder(System.IO.Path.GetFullPath(path));
        try
        {
            var started = JsonSerializer.Deserialize<Started>(File.ReadAllBytes(folder.Start), Json)!;
            return (folder, started.File, started.Transport, null);
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return (null, null, default, $"{path} holds no run to go on with: {e.Message}");
        }
    }

    /// <summary>Keeps other processes out of the folder until disposed, or until this process ends in whatever way.</summary>
    /// <returns>Null when another process has the folder.</returns>
    public IDisposable? TryHold()
    {
        try
        {
            Directory.CreateDirectory(State);
            return new FileStream(System.IO.Path.Combine(State, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Begin(Started started)
    {
        Directory.CreateDirectory(Path);
        if (Directory.Exists(State))
        {
            Directory.Delete(State, recursive: true);
        }

        // The summary is the sign that a run has ended, so it goes before the new run's start is there.
        new[] { Summary, Model, Report, Events }.ToList().ForEach(File.Delete);
        AtomicFile.Write(Start, JsonSerializer.SerializeToUtf8Bytes(started, Json));
    }

    private sealed record Started
    {
        public required RunFile File { get; init; }
        public required Transport Transport { get; init; }
    }
}
