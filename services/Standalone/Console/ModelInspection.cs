using System.Globalization;
using System.Security.Cryptography;
using FlEvents.Learning.Safetensors;
using FlEvents.Orchestrator.Runs;
using Spectre.Console;

namespace FlEvents.Standalone.Console;

/// <summary>What <c>flevents model inspect</c> shows of a safetensors file.</summary>
public static class ModelInspection
{
    /// <summary>Writes a line per tensor, the number of elements, and the SHA-256 that names the model.</summary>
    /// <param name="console">Where to.</param>
    /// <param name="errors">Where the reason goes when the file cannot be read.</param>
    /// <param name="path">The file.</param>
    /// <returns>The exit code.</returns>
    public static int Write(IAnsiConsole console, TextWriter errors, string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var tensors = SafetensorsHeader.Read(file, file.Length).Summarize(file);
            file.Position = 0;
            var sha256 = Convert.ToHexStringLower(SHA256.HashData(file));
            Write(console, tensors, file.Length, sha256);
            return ExitCode.Done;
        }
        catch (Exception exception) when (exception is SafetensorsException or IOException or UnauthorizedAccessException)
        {
            errors.WriteLine($"{path}: {exception.Message}");
            return ExitCode.BadInput;
        }
    }

    private static void Write(IAnsiConsole console, IReadOnlyList<TensorSummary> tensors, long sizeBytes, string sha256)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var (index, heading) in new[] { "Tensor", "Type", "Shape", "Min", "Max", "Norm" }.Index())
        {
            var column = new TableColumn(new Text(heading));
            table.AddColumn(index < 2 ? column : column.RightAligned());
        }

        foreach (var (tensor, norm, least, largest, nonFinite) in tensors)
        {
            string[] cells =
            [
                SpecText.Plain(tensor.Name),
                tensor.Dtype,
                $"[{string.Join(", ", tensor.Shape)}]",
                least <= largest ? Number(least) : "–",
                least <= largest ? Number(largest) : "–",
                nonFinite == 0 ? Number(norm) : $"{HumanUnits.Count(nonFinite)} not finite",
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        console.Write(table);
        console.WriteLine($"{HumanUnits.Count(tensors.Sum(summary => summary.Tensor.Length))} elements in {tensors.Count} tensors, {HumanUnits.Bytes(sizeBytes)}");
        console.WriteLine($"SHA-256 {sha256}");
    }

    private static string Number(double value) => value.ToString("G5", CultureInfo.InvariantCulture);
}
