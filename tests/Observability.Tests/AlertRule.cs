using System.Text.RegularExpressions;
using FlEvents.Testing;

namespace FlEvents.Observability.Tests;

/// <summary>One of the repository's alert rules, as far as tests ask; promtool says whether the file is well formed.</summary>
internal sealed partial record AlertRule(string Name, string Expression, string Text)
{
    public static readonly string SourcePath = Repository.File("k8s", "observability", "alerts.yaml");

    public static IReadOnlyList<AlertRule> All { get; } =
    [
        .. Rule().Split(File.ReadAllText(SourcePath)).Skip(1)
            .Select(text => new AlertRule(text[..text.IndexOf('\n', StringComparison.Ordinal)], Expr().Match(text).Groups[1].Value, text)),
    ];

    /// <summary>What is compared, whatever its value.</summary>
    public string WithoutComparisons => Comparison().Replace(Expression, "");

    [GeneratedRegex("- alert: ")]
    private static partial Regex Rule();

    [GeneratedRegex("expr: (.*)")]
    private static partial Regex Expr();

    [GeneratedRegex(@" (<|>|==) [0-9.]+")]
    private static partial Regex Comparison();
}
