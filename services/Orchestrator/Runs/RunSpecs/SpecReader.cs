using System.Text.Json;
using System.Text.Unicode;
using FlEvents.Learning;

namespace FlEvents.Orchestrator.Runs;

/// <summary>
/// Reads a specification record from JSON and reports everything that is wrong at once. It knows no property by name: what is allowed follows from
/// the record's types and attributes (<see cref="SpecKeys"/>), so that the checks, the JSON Schema and the documentation cannot disagree.
/// </summary>
public static class SpecReader
{
    /// <summary>Longest text that is read, in bytes: 1 MiB.</summary>
    public const int MaximumBytes = 1 << 20;

    private const int MaximumDepth = 32;

    /// <summary>Parses the text; comments and trailing commas are allowed. Either the document or the error is null.</summary>
    /// <param name="utf8">At most <see cref="MaximumBytes"/>, with or without a byte order mark.</param>
    /// <param name="root">Path that errors are reported under.</param>
    public static (JsonDocument? Document, SpecError? Error) Parse(ReadOnlyMemory<byte> utf8, string root)
    {
        if (utf8.Length > MaximumBytes)
        {
            return (null, new SpecError(root, $"expected at most {MaximumBytes} bytes, got {utf8.Length}"));
        }

        if (!Utf8.IsValid(utf8.Span))
        {
            return (null, new SpecError(root, "expected text in UTF-8, got other bytes"));
        }

        var text = utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        try
        {
            var options = new JsonDocumentOptions
            {
                AllowTrailingCommas = true,
                CommentHandling = JsonCommentHandling.Skip,
                MaxDepth = MaximumDepth,
            };
            return (JsonDocument.Parse(text, options), null);
        }
        catch (JsonException exception)
        {
            var reason = exception.Message.Split(" LineNumber:", 2)[0].Split(" Path:", 2)[0].TrimEnd('.');
            var position = $"line {exception.LineNumber + 1}, position {exception.BytePositionInLine + 1}";
            return (null, new SpecError(root, $"not valid JSON at {position}: {reason}"));
        }
    }

    /// <summary>Reads the record and checks it, first key by key, then with rules over several keys.</summary>
    /// <param name="json">A parsed document, which still holds duplicate keys.</param>
    /// <param name="root">Path that errors are reported under.</param>
    /// <param name="rules">Rules over a record whose keys have the right types, though perhaps not values in range.</param>
    public static SpecReading<T> Read<T>(JsonElement json, string root, Func<T, IEnumerable<SpecError>> rules)
        where T : class
    {
        var errors = new List<SpecError>();
        try
        {
            if (new SpecWalk(errors).Visit(json, typeof(T), root))
            {
                // A rule stays silent about what is reported already.
                var reported = errors.Select(error => error.Path).ToHashSet(StringComparer.Ordinal);
                var spec = json.Deserialize<T>(SpecKeys.Json)!;
                errors.AddRange(rules(spec).Where(error => !reported.Contains(error.Path)).Distinct().Take(SpecWalk.MaximumErrors - errors.Count));
                return errors.Count == 0 ? new SpecReading<T>(spec, errors) : new SpecReading<T>(null, Told(errors, root));
            }
        }
        catch (InvalidOperationException)
        {
            // The one way in which text of a parsed document cannot be read: an escape such as \ud800 without its other half.
            errors.Add(new SpecError(root, "expected whole characters, got an escape that is half of a surrogate pair"));
        }

        return new SpecReading<T>(null, Told(errors, root));
    }

    /// <summary>The errors, with a last one that says so where there may be more.</summary>
    private static List<SpecError> Told(List<SpecError> errors, string root) => errors.Count < SpecWalk.MaximumErrors
        ? errors
        : [.. errors.Take(SpecWalk.MaximumErrors), new SpecError(root, $"reading stopped after {SpecWalk.MaximumErrors} errors")];
}
