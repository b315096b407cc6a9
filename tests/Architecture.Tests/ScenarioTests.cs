using System.Text.RegularExpressions;
using FlEvents.Testing;

namespace FlEvents.Architecture.Tests;

/// <summary>Every fault scenario of docs/reliability.md has a test that bears its number.</summary>
public sealed partial class ScenarioTests
{
    // S28 and S29 are of secure aggregation.
    private static readonly IEnumerable<int> Numbers = Enumerable.Range(1, 34).Except([28, 29]);

    [Fact]
    public void Every_fault_scenario_has_a_test_that_is_named_after_it()
    {
        var tests = Repository.Files.Where(file => file.EndsWith("Tests.cs", StringComparison.Ordinal))
            .SelectMany(file => Scenario().Matches(File.ReadAllText(Path.Combine(Repository.Root, file))))
            .Select(match => int.Parse(match.Groups[1].ValueSpan))
            .ToHashSet();
        Assert.Empty(Numbers.Where(number => !tests.Contains(number)).Select(number => $"S{number}"));
    }

    [GeneratedRegex(@"\b(?:Task|void) S([0-9]+)_")]
    private static partial Regex Scenario();
}
