using FlEvents.Testing;

namespace FlEvents.EndToEnd.Tests;

/// <summary><c>samples/python-client</c> as its owner starts it, with Debian's Python.</summary>
internal static class PythonSample
{
    private const string Python = "/usr/bin/python3";

    private static readonly Lazy<Task<string?>> Missing = new(FindMissingAsync);

    // The folder is the repository's.
    private static readonly Dictionary<string, string?> Settings = new() { ["PYTHONDONTWRITEBYTECODE"] = "1" };

    public static string Folder { get; } = Repository.File("samples", "python-client");

    /// <summary>Skips the test where the sample can't run, with what it needs.</summary>
    public static async Task NeedAsync()
    {
        var missing = await Missing.Value;
        Assert.SkipWhen(missing is not null, missing ?? "");
    }

    /// <summary>Starts a Python program.</summary>
    public static ChildProcess Start(params IEnumerable<string> arguments) => ChildProcess.Start(Python, arguments, Settings);

    private static async Task<string?> FindMissingAsync()
    {
        const string Wanted = "On Debian: apt-get install --no-install-recommends python3-numpy python3-cryptography.";
        if (!File.Exists(Python))
        {
            return $"There is no {Python}. {Wanted}";
        }

        await using var python = Start("-c", "import numpy, cryptography");
        return await python.WaitForExitAsync(Product.Patience) == 0 ? null : $"{Python} has no numpy or no cryptography. {Wanted}";
    }
}
