using System.Security.Cryptography;
using System.Text.Json;
using FlEvents.Testing;

namespace FlEvents.EndToEnd.Tests;

/// <summary>The program <c>flevents</c> as a user starts it.</summary>
internal static class Product
{
    /// <summary>Far more than anything here takes, on a busy machine too.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>The <c>dotnet</c> that runs the tests.</summary>
    public static readonly string Dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "flevents.dll");

    public static ChildProcess Start(params IEnumerable<string> arguments) => ChildProcess.Start(Dotnet, [Program, .. arguments]);

    /// <inheritdoc cref="Start(IEnumerable{string})"/>
    public static ChildProcess Start(IReadOnlyDictionary<string, string?> environment, params IEnumerable<string> arguments) =>
        ChildProcess.Start(Dotnet, [Program, .. arguments], environment);

    /// <summary>Runs the program to its end.</summary>
    /// <returns>Its exit code and all that it has written.</returns>
    public static async Task<(int ExitCode, string Output)> RunAsync(params IEnumerable<string> arguments)
    {
        await using var program = Start(arguments);
        var exitCode = await program.WaitForExitAsync(Patience);
        return (exitCode, string.Join('\n', program.Output));
    }

    /// <summary>The summary that a run has left in its folder.</summary>
    public static JsonElement Summary(string folder) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "summary.json"))).RootElement;

    /// <summary>SHA-256 of the model that a run has left in its folder, in lower-case hexadecimal digits.</summary>
    public static string ModelSha256(string folder) => Sha256(File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));

    public static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
