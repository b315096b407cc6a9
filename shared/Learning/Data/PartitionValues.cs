using System.Globalization;

namespace FlEvents.Learning.Data;

/// <summary>One value for each example, to split by: its code is the position of its name in <see cref="Names"/>.</summary>
/// <param name="Codes">From 0; shape [n].</param>
/// <param name="Names">The different values that occur: text in ordinal order, classes as numbers in ascending order.</param>
public sealed record PartitionValues(int[] Codes, IReadOnlyList<string> Names)
{
    public static PartitionValues OfText(IReadOnlyList<string> values) => Of(values, StringComparer.Ordinal, name => name);

    public static PartitionValues OfClasses(IReadOnlyList<int> classes) =>
        Of(classes, Comparer<int>.Default, number => number.ToString(CultureInfo.InvariantCulture));

    private static PartitionValues Of<T>(IReadOnlyList<T> values, IComparer<T> order, Func<T, string> name)
        where T : notnull
    {
        var distinct = values.Distinct().Order(order).ToArray();
        var codes = distinct.Select((value, code) => (value, code)).ToDictionary(pair => pair.value, pair => pair.code);
        return new PartitionValues([.. values.Select(value => codes[value])], [.. distinct.Select(name)]);
    }
}
