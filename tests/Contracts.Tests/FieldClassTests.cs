using System.Text.RegularExpressions;
using FlEvents.Testing;

namespace FlEvents.Contracts.Tests;

/// <summary>docs/privacy.md says of every field of every contract whether it is public, noised or absent in a private run.</summary>
public sealed partial class FieldClassTests
{
    private static readonly Dictionary<string, string[]> Rows = File.ReadLines(Repository.File("docs", "privacy.md"))
        .SkipWhile(line => !line.StartsWith("## Every field of a message", StringComparison.Ordinal))
        .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
        .Select(line => Name().Matches(line).Select(name => name.Groups[1].Value).ToArray())
        .ToDictionary(names => names[0], names => names[1..]);

    public static TheoryData<string> Records => [.. ContractTypes.Records.Select(record => record.Name)];

    [Theory, MemberData(nameof(Records))]
    public void Every_field_has_one_class(string name)
    {
        var fields = ContractTypes.Records.Single(record => record.Name == name).GetProperties().Where(property => property.CanWrite).Select(property => property.Name);
        Assert.True(Rows.ContainsKey(name), $"docs/privacy.md has no line for {name}.");
        Assert.Equal(fields.Order(StringComparer.Ordinal), Rows[name].Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_line_is_of_a_record_that_is_gone() => Assert.Empty(Rows.Keys.Except(ContractTypes.Records.Select(record => record.Name)));

    [GeneratedRegex("`([A-Za-z0-9]+)`")]
    private static partial Regex Name();
}
