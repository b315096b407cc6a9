using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace FlEvents.Orchestrator.WebConsole;

/// <summary>A file of the console.</summary>
/// <param name="Tag">Changes with the content, so that a browser asks for it again only when it did.</param>
public record ConsoleFile(byte[] Content, string Type, EntityTagHeaderValue Tag);

/// <summary>The console's files, which are part of the program.</summary>
public static class ConsoleFiles
{
    private const string Start = "Console/";

    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".txt"] = "text/plain; charset=utf-8",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>By path below the console's folder, e.g. <c>views/runs.js</c>; nothing else can be asked for.</summary>
    public static FrozenDictionary<string, ConsoleFile> All { get; } = Read(Assembly.GetExecutingAssembly());

    private static FrozenDictionary<string, ConsoleFile> Read(Assembly program) => program.GetManifestResourceNames()
        .Where(name => name.StartsWith(Start, StringComparison.Ordinal))
        .ToFrozenDictionary(name => name[Start.Length..].Replace('\\', '/'), name => Read(program, name), StringComparer.Ordinal);

    private static ConsoleFile Read(Assembly program, string name)
    {
        using var stream = program.GetManifestResourceStream(name)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return new ConsoleFile(content, Types[Path.GetExtension(name)], new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\""));
    }
}
