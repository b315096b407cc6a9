using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FlEvents.Orchestrator.Runs;

/// <summary>Words and numbers as specification errors and the documentation show them.</summary>
public static class SpecText
{
    private const int LongestShown = 60;

    /// <summary>What a key's value may be, e.g. <c>a whole number in [1, 100000]</c>.</summary>
    public static string Expected(SpecKey key) => Expected(key.Type, key);

    /// <summary>What a value of this type may be, where no key narrows it: an item of a list or of a map.</summary>
    public static string Expected(Type type) => Expected(type, key: null);

    /// <summary>Kind of a type's values, e.g. <c>whole number</c> or <c>list of objects</c>.</summary>
    public static string Kind(Type type)
    {
        var shape = SpecKeys.Shape(type);
        return shape.Kind switch
        {
            JsonTypeInfoKind.Object => "object",
            JsonTypeInfoKind.Dictionary => "object of named objects",
            JsonTypeInfoKind.Enumerable => $"list of {Plural(shape.ElementType!)}",
            _ when type.IsEnum => "name",
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(string) => "text",
            _ when type == typeof(int) || type == typeof(long) => "whole number",
            _ => "number",
        };
    }

    /// <summary>The bounds of a key's value, e.g. <c>[1, 100000]</c> or <c>1 to 200 characters</c>; empty without any.</summary>
    public static string Bounds(SpecKey key) => key switch
    {
        { Minimum: { } minimum, Maximum: { } maximum } => $"[{Number(minimum)}, {Number(maximum)}]",
        { Pattern: { } pattern } => pattern,
        { MaximumLength: { } maximum } => $"{key.MinimumLength} to {maximum} characters",
        _ => "",
    };

    /// <summary>A number in as few digits as give it back, whole ones without an exponent.</summary>
    public static string Number(double value) =>
        value == Math.Truncate(value) && Math.Abs(value) < 1e16
            ? value.ToString("F0", CultureInfo.InvariantCulture)
            : Math.Abs(value) is >= 1e-5 and < 1e15 ? value.ToString("0.####################", CultureInfo.InvariantCulture)
            : value.ToString("0.################e0", CultureInfo.InvariantCulture);

    /// <summary>A value as it was written, shortened; a list or an object by its kind.</summary>
    public static string Given(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        _ => Plain(value.GetRawText()),
    };

    /// <summary>Text in double quotes, shortened.</summary>
    public static string Quoted(string text) => $"\"{Plain(text)}\"";

    /// <summary>The path of a key below a path.</summary>
    public static string Below(string path, string key) =>
        key.Length > 0 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '-') ? $"{path}.{Plain(key)}" : $"{path}['{Plain(key)}']";

    /// <summary>The path of a list's item, from 0.</summary>
    public static string Below(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]");

    /// <summary>Text for a terminal or a log file: one line, shortened, and nothing in it that moves a cursor or turns the direction of writing.</summary>
    public static string Plain(string text, int longest = LongestShown)
    {
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length >= longest)
            {
                return shown.Append('…').ToString();
            }

            _ = Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                ? shown.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}")
                : shown.Append(rune.ToString());
        }

        return shown.ToString();
    }

    private static string Expected(Type type, SpecKey? key) =>
        type.IsEnum ? $"one of {string.Join(", ", SpecKeys.Names(type))}"
        : key is null || Bounds(key).Length == 0 ? Article(Kind(type))
        : type == typeof(string) ? $"text of {(key.Pattern is null ? "" : "the form ")}{Bounds(key)}"
        : $"{Article(Kind(type))} in {Bounds(key)}";

    private static string Article(string kind) => kind switch
    {
        "text" or "true or false" => kind,
        ['o', ..] => $"an {kind}",
        _ => $"a {kind}",
    };

    private static string Plural(Type type) => Kind(type) + "s";
}
