using System.Text.RegularExpressions;
using FlEvents.Testing;

namespace FlEvents.Architecture.Tests;

/// <summary>Rules for the text of the source files.</summary>
public sealed partial class SourceTests
{
    private const int MostLines = 400;

    private static readonly string[] Binary = [".png", ".gz", ".safetensors", ".ico", ".woff2"];

    private static readonly string[] ProjectFiles = [".csproj", ".props", ".targets"];

    /// <summary>Lists of packages and exact expectations are as long as they are.</summary>
    private static bool IsGoldenOrGenerated(string file) =>
        file.Contains("Golden", StringComparison.OrdinalIgnoreCase) || file.Contains("Generated", StringComparison.OrdinalIgnoreCase)
        || Path.GetFileName(file) is "packages.lock.json" or "package-lock.json" or "FlEvents.sln";

    [Fact]
    public void A_type_says_what_it_is_and_not_that_it_helps()
    {
        var found = from file in Repository.Files
                    where file.EndsWith(".cs", StringComparison.Ordinal)
                    from Match match in EmptyName().Matches(Text(file))
                    select $"{file}: {match.Groups["name"].Value}";

        AssertNone(found);
    }

    [Fact]
    public void A_source_file_has_at_most_400_lines()
    {
        var found = from file in Repository.Files
                    where file.EndsWith(".cs", StringComparison.Ordinal) && !IsGoldenOrGenerated(file)
                    let lines = File.ReadLines(Repository.File(file)).Count()
                    where lines > MostLines
                    select $"{file}: {lines} lines";

        AssertNone(found);
    }

    [Fact]
    public void No_project_silences_a_warning()
    {
        var found = Repository.Files.Where(file => ProjectFiles.Contains(Path.GetExtension(file)) && Text(file).Contains("NoWarn", StringComparison.OrdinalIgnoreCase));

        AssertNone(found);
    }

    [Fact]
    public void No_file_names_a_folder_of_the_machine_it_was_written_on() => AssertNone(LinesWith(MachinePath()));

    [Fact]
    public void No_file_names_the_host_of_a_package_registry() => AssertNone(LinesWith(RegistryHost()));

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Text("FlEvents.sln").Replace('\\', '/');
        var missing = Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal) && !solution.Contains($"\"{file}\"", StringComparison.Ordinal));

        AssertNone(missing);
    }

    /// <summary>Unlike <c>Assert.Empty</c> it shows each of them whole.</summary>
    private static void AssertNone(IEnumerable<string> found) => Assert.True(!found.Any(), string.Join('\n', found));

    private static string Text(string file) => File.ReadAllText(Repository.File(file));

    private static IEnumerable<string> LinesWith(Regex pattern) =>
        from file in Repository.Files
        where !Binary.Contains(Path.GetExtension(file))
        from line in File.ReadLines(Repository.File(file))
        where pattern.IsMatch(line)
        select $"{file}: {line.Trim()}";

    [GeneratedRegex(@"\b(?:class|record|struct|interface|enum)\s+(?<name>\w*(?:Manager|Helper|Helpers|Util|Utils|Utility|Utilities|Common|Extensions))\b")]
    private static partial Regex EmptyName();

    // Below a home folder, a mounted disk, a temporary folder or a drive; not a part of a relative path or of a URL.
    [GeneratedRegex(@"(?<![\w.$}~-])(?:/(?:work|farm|root|mnt|home/(?!app\b)|Users)/\w|/tmp/\w|[A-Za-z]:\\(?:Users|work)\\)")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"(?i)\b(?:api|www)\.nuget\.org|\bpkgs\.dev\.azure\.com|\bnuget\.pkg\.github\.com|\bregistry\.(?:npmjs|yarnpkg)\.|\b(?:files\.pythonhosted|pypi)\.org"
        + @"|\b(?:deb|security)\.debian\.org|\b[\w.-]*(?:artifactory|jfrog|nexus)[\w-]*\.\w+\.\w+|/v3/index\.json")]
    private static partial Regex RegistryHost();
}
