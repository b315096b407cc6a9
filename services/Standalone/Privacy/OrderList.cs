using System.Globalization;

namespace FlEvents.Standalone.Privacy;

/// <summary>A list of Rényi orders written as <c>1.1:10.9:0.1,11:63:1,128,256</c>: numbers, and ranges start:stop:step with both ends.</summary>
public static class OrderList
{
    private const int MostOrders = 1_000_000;

    /// <summary>Counts in decimal, so that 1.1:10.9:0.1 holds the doubles nearest to 1.1, 1.2, …</summary>
    /// <exception cref="FormatException">Not such a list; the message names the part.</exception>
    public static IReadOnlyList<double> Parse(string text)
    {
        var orders = new List<double>();
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var fields = part.Split(':');
            var numbers = fields.Select(field => Number(field, part)).ToArray();
            switch (numbers)
            {
                case [var single]:
                    orders.Add((double)single);
                    break;
                case [var start, var stop]:
                    AddRange(orders, start, stop, 1, part);
                    break;
                case [var start, var stop, var step]:
                    AddRange(orders, start, stop, step, part);
                    break;
                default:
                    throw new FormatException($"\"{part}\" is not an order or a range start:stop:step.");
            }
        }

        return orders.Count > 0 ? orders : throw new FormatException($"\"{text}\" holds no orders.");
    }

    private static void AddRange(List<double> orders, decimal start, decimal stop, decimal step, string part)
    {
        if (step <= 0 || stop < start || (stop - start) / step > MostOrders)
        {
            throw new FormatException($"\"{part}\" is not a range start:stop:step with a step above 0 and at most {MostOrders} orders.");
        }

        for (var order = start; order <= stop; order += step)
        {
            orders.Add((double)order);
        }
    }

    private static decimal Number(string text, string part) => decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new FormatException($"\"{text}\" in the orders \"{part}\" is not a number.");
}
