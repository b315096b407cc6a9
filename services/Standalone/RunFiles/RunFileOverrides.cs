using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FlEvents.Learning;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.RunFiles;

/// <summary>Puts <c>--set key=value</c> into the JSON of a run file before it is checked, so that an override is checked like the file itself.</summary>
internal static class RunFileOverrides
{
    /// <summary>The document with its overrides. Either the document or the error is null.</summary>
    /// <param name="json">The run file, which keeps its duplicate keys: they are errors still.</param>
    /// <param name="overrides">
    /// Texts <c>key=value</c>. A key is a dotted path, with numbers for items of lists; one that does not begin with run or simulation is below run.
    /// A value is JSON, or else text.
    /// </param>
    /// <param name="root">Path that errors are reported under.</param>
    public static (JsonDocument? Document, SpecError? Error) Apply(JsonElement json, IReadOnlyList<string> overrides, string root)
    {
        var changes = new List<Change>();
        foreach (var text in overrides)
        {
            var split = text.IndexOf('=', StringComparison.Ordinal);
            var path = split < 0 ? [] : text[..split].Trim().Split('.');
            if (path.Length == 0 || path.Contains(""))
            {
                return (null, new SpecError("--set", $"expected key=value such as training.learningRate=0.05, got {SpecText.Quoted(text)}"));
            }

            changes.Add(new Change(path[0] is "run" or "simulation" or "$schema" ? path : ["run", .. path], Value(text[(split + 1)..])));
        }

        var buffer = new ArrayBufferWriter<byte>();
        try
        {
            using var writer = new Utf8JsonWriter(buffer);
            Write(writer, json, changes);
        }
        catch (InvalidOperationException)
        {
            return (null, new SpecError(root, "expected whole characters, got an escape that is half of a surrogate pair"));
        }

        return SpecReader.Parse(buffer.WrittenMemory, root);
    }

    /// <summary>A value to be put at a path below the element that is written.</summary>
    private sealed record Change(string[] Path, JsonElement Value)
    {
        public Change Below => this with { Path = Path[1..] };
    }

    private static JsonElement Value(string text)
    {
        var (document, _) = SpecReader.Parse(Encoding.UTF8.GetBytes(text), "");
        using (document)
        {
            return document?.RootElement.Clone() ?? JsonSerializer.SerializeToElement(text);
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonElement? element, IReadOnlyList<Change> changes)
    {
        if (changes.LastOrDefault(change => change.Path.Length == 0) is { } whole)
        {
            // What was set before the whole is gone with it, what is set after stays.
            Write(writer, whole.Value, [.. changes.SkipWhile(change => change != whole).Skip(1)]);
        }
        else if (element is { } value && (changes.Count == 0 || (value.ValueKind == JsonValueKind.Array && changes.All(change => IsItem(change, value)))))
        {
            WriteItems(writer, value, changes);
        }
        else
        {
            WriteObject(writer, element is { ValueKind: JsonValueKind.Object } ? element : null, changes);
        }
    }

    private static bool IsItem(Change change, JsonElement list) =>
        int.TryParse(change.Path[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < list.GetArrayLength();

    private static void WriteItems(Utf8JsonWriter writer, JsonElement value, IReadOnlyList<Change> changes)
    {
        if (changes.Count == 0)
        {
            value.WriteTo(writer);
            return;
        }

        writer.WriteStartArray();
        foreach (var (index, item) in value.EnumerateArray().Index())
        {
            var name = index.ToString(CultureInfo.InvariantCulture);
            Write(writer, item, [.. changes.Where(change => change.Path[0] == name).Select(change => change.Below)]);
        }

        writer.WriteEndArray();
    }

    private static void WriteObject(Utf8JsonWriter writer, JsonElement? element, IReadOnlyList<Change> changes)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        writer.WriteStartObject();
        if (element is { } value)
        {
            foreach (var property in value.EnumerateObject())
            {
                names.Add(property.Name);
                WriteProperty(property.Name, property.Value);
            }
        }

        foreach (var name in changes.Select(change => change.Path[0]).Distinct(StringComparer.Ordinal).Where(name => !names.Contains(name)))
        {
            WriteProperty(name, null);
        }

        writer.WriteEndObject();

        void WriteProperty(string name, JsonElement? current)
        {
            writer.WritePropertyName(name);
            Write(writer, current, [.. changes.Where(change => change.Path[0] == name).Select(change => change.Below)]);
        }
    }
}
