using System.Text.Json;

namespace FlEvents.Standalone.Replay;

/// <summary>What a file beside the log says of its last record, so that a log cut short is found.</summary>
/// <param name="Head">Hash of the last record; null where the file does not say, or can't be read.</param>
public record EventsAnchor(string File, string? Head)
{
    /// <summary>Key of the hash: in the summary of a run, and in a run as the API shows it.</summary>
    public const string Name = "eventsHead";

    private static readonly string[] Files = ["summary.json", "run.json"];

    /// <summary>The first file in a folder that can say it.</summary>
    public static EventsAnchor? Find(string folder) =>
        Files.Select(name => Path.Combine(folder, name)).FirstOrDefault(System.IO.File.Exists) is { } file ? new EventsAnchor(file, Read(file)) : null;

    private static string? Read(string file)
    {
        try
        {
            using var content = JsonDocument.Parse(System.IO.File.ReadAllBytes(file));
            return content.RootElement.TryGetProperty(Name, out var head) && head.ValueKind == JsonValueKind.String ? head.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
