namespace FlEvents.Testing;

/// <summary>The source tree that the tests were built from.</summary>
public static class Repository
{
    private const string Marker = "FlEvents.sln";
    private static readonly string[] Produced = ["bin", "obj", "out", "node_modules", "__pycache__", "TestResults"];
    private static readonly string[] DotFolders = [".ci", ".github"];

    /// <summary>Its folder: the nearest one above the test program that holds the solution.</summary>
    public static string Root { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    /// <summary>The absolute path of something in it.</summary>
    public static string File(params ReadOnlySpan<string> names) => Path.Combine([Root, .. names]);

    /// <summary>Its source files, relative to the root, in order; nothing that building or testing has produced.</summary>
    public static IReadOnlyList<string> Files { get; } =
        [.. Walk(Root).Select(path => Path.GetRelativePath(Root, path)).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Walk(string folder) =>
        Directory.EnumerateFiles(folder).Concat(Directory.EnumerateDirectories(folder).Where(IsSource).SelectMany(Walk));

    private static bool IsSource(string folder)
    {
        var name = Path.GetFileName(folder);
        return !Produced.Contains(name) && (!name.StartsWith('.') || DotFolders.Contains(name));
    }

    private static string Find(DirectoryInfo? folder)
    {
        while (folder is not null && !System.IO.File.Exists(Path.Combine(folder.FullName, Marker)))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"No {Marker} in any folder above {AppContext.BaseDirectory}.");
    }
}
