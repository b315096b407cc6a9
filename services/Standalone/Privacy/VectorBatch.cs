using System.Text.Encodings.Web;
using System.Text.Json;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Privacy;

/// <summary>Answers a file of vectors, one after the other, whatever is wrong with some of them.</summary>
public static class VectorBatch
{
    private static readonly JsonSerializerOptions Written = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a JSON list with an answer for each vector in order.</summary>
    /// <returns>The exit code: 2 when the file cannot be read or is no list.</returns>
    public static int Write(TextWriter output, TextWriter errors, string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            using var document = JsonDocument.Parse(stream);
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                errors.WriteLine($"{file}: found {document.RootElement.ValueKind}, expected a JSON list of vectors.");
                return ExitCode.BadInput;
            }

            output.WriteLine(JsonSerializer.Serialize(document.RootElement.EnumerateArray().Select(VectorAnswering.Answer), Written));
            return ExitCode.Done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            errors.WriteLine($"{file}: {e.Message}");
            return ExitCode.BadInput;
        }
    }
}
