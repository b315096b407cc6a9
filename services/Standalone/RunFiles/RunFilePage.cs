using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.RunFiles;

/// <summary>The reference of run files as tables in Markdown, from the same declarations that a run file is checked by.</summary>
public static class RunFilePage
{
    /// <summary>A section per object, with a table of its keys.</summary>
    public static string Tables()
    {
        var page = new StringBuilder();
        Section(page, typeof(RunFile), "");
        return page.ToString().TrimEnd('\n') + "\n";
    }

    private static void Section(StringBuilder page, Type record, string path)
    {
        var keys = SpecKeys.Of(record);
        page.Append(CultureInfo.InvariantCulture, $"### {(path.Length == 0 ? "The file" : $"`{path}`")}\n\n");
        page.Append("| Key | Type | Range | Default | Meaning |\n|---|---|---|---|---|\n");
        foreach (var key in keys)
        {
            page.Append(CultureInfo.InvariantCulture, $"| `{key.Name}` | {SpecText.Kind(key.Type)} | {Range(key)} | {Default(key)} | {Cell(key.Description)} |\n");
        }

        page.Append('\n');
        foreach (var key in keys)
        {
            var (below, name) = Below(key, path.Length == 0 ? key.Name : $"{path}.{key.Name}");
            if (below is not null)
            {
                Section(page, below, name);
            }
        }
    }

    private static (Type? Record, string Path) Below(SpecKey key, string path)
    {
        var shape = SpecKeys.Shape(key.Type);
        return shape.Kind switch
        {
            JsonTypeInfoKind.Object => (key.Type, path),
            JsonTypeInfoKind.Enumerable when SpecKeys.Shape(shape.ElementType!).Kind == JsonTypeInfoKind.Object => (shape.ElementType, $"{path}[]"),
            JsonTypeInfoKind.Dictionary => (shape.ElementType, $"{path}.<name>"),
            _ => (null, path),
        };
    }

    private static string Range(SpecKey key) =>
        key.Type.IsEnum ? string.Join(", ", SpecKeys.Names(key.Type).Select(Code))
        : key.Pattern is not null ? Code(SpecText.Bounds(key))
        : SpecText.Bounds(key);

    private static string Default(SpecKey key)
    {
        if (key.Required)
        {
            return "required";
        }

        // An object that may be left out has the defaults of its own table.
        return key.Default is null || SpecKeys.Shape(key.Type).Kind == JsonTypeInfoKind.Object
            ? ""
            : Code(JsonSerializer.Serialize(key.Default, key.Type, SpecKeys.Json).Trim('"'));
    }

    private static string Code(string text) => text.Length == 0 ? "" : $"`{Cell(text)}`";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
