using System.Diagnostics;

namespace FlEvents.Kubernetes.Tests;

/// <summary>Runs a program to its end.</summary>
public static class Programs
{
    /// <returns>Exit code and both outputs; null where there is no such program.</returns>
    public static async Task<(int ExitCode, string Output, string Errors)?> RunAsync(string program, IEnumerable<string> arguments, string? input = null, string? folder = null)
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(path => File.Exists(Path.Combine(path, program))))
        {
            return null;
        }

        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
