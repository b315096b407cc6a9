using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests;

/// <summary>Kubernetes' label selectors.</summary>
public static class Selector
{
    /// <param name="selector">With <c>matchLabels</c> and <c>matchExpressions</c>; an empty one matches everything.</param>
    public static bool Matches(JsonObject selector, IReadOnlyDictionary<string, string> labels) =>
        Matches(selector.Map("matchLabels"), labels) && selector.Objects("matchExpressions").All(expression => Holds(expression, labels));

    public static bool Matches(IReadOnlyDictionary<string, string> wanted, IReadOnlyDictionary<string, string> labels) =>
        wanted.All(label => labels.GetValueOrDefault(label.Key) == label.Value);

    private static bool Holds(JsonObject expression, IReadOnlyDictionary<string, string> labels)
    {
        var value = labels.GetValueOrDefault(expression.Text("key")!);
        var values = expression.Texts("values");
        return expression.Text("operator") switch
        {
            "In" => value is not null && values.Contains(value),
            "NotIn" => value is null || !values.Contains(value),
            "Exists" => value is not null,
            "DoesNotExist" => value is null,
            var other => throw new InvalidDataException($"operator {other}: expected In, NotIn, Exists or DoesNotExist."),
        };
    }
}
