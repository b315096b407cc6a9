using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Learning.Randomness;

namespace FlEvents.Limits.Tests;

/// <summary>Changes to a good JSON text: what a careless or hostile writer puts in the place of a value, in text that stays JSON more often than not.</summary>
internal static class JsonMutation
{
    private const string RawMark = "@raw-";
    private const string TwiceMark = "@twice";
    private const int HugeText = 1_000_000;

    private static readonly string[] Values =
    [
        "null", "true", "false", "{}", "[]", "\"\"", "0", "-1", "1", "2", "0.5", "-0.0", "1e-320", "2147483647", "-2147483648", "2147483648", "9007199254740993", "9223372036854775807",
        "9223372036854775808", "-9223372036854775809", "1e308", "-1e308", "1e999", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "\"0\"", "\"x\"", "\"A\"", "\" \"", "\"unknownValue\"",
        "\"00000000-0000-0000-0000-000000000000\"", "\"0193b7a0-0000-7000-8000-00000000000g\"", "\"ffffffff-ffff-ffff-ffff-ffffffffffff\"",
        "\"0001-01-01T00:00:00Z\"", "\"9999-12-31T23:59:59.9999999Z\"", "\"2020-01-01\"", "\"10675199.02:48:05.4775807\"", "\"-1.00:00:00\"", "\"00:00:00\"",
        "\"\\u0000\"", "\"\\u001b[2J\\u0007\"", "\"\\u202e\\u2066\"", "\"\\ud800\"", "\"\\ud83d\\ude00\"", "\"e\\u0301\\u00df\\u0130\"", "\"../../x\"", "\"a/b?c=d#e\"", "\"'; drop table run; --\"",
        "\"0000000000000000000000000000000000000000000000000000000000000000\"", "[null]", "[[]]", "[{}]", "{\"\":null}", "[1e999]",
    ];

    /// <summary>One change or two: a value replaced, left out, doubled, repeated or swapped for another one of the text, a name changed; now and then the end cut off.</summary>
    public static string Of(string json, SeededRandom random)
    {
        var root = JsonNode.Parse(json)!;
        var raw = new List<string>();
        for (var changes = 1 + (random.NextInt(4) / 2); changes > 0; changes--)
        {
            Change(root, raw, random);
        }

        var text = root.ToJsonString().Replace(TwiceMark, "", StringComparison.Ordinal);
        for (var i = 0; i < raw.Count; i++)
        {
            text = text.Replace($"\"{RawMark}{i}\"", raw[i], StringComparison.Ordinal);
        }

        return random.NextInt(40) == 0 ? text[..random.NextInt(text.Length + 1)] : text;
    }

    private static readonly string[] Numbers = ["0", "-1", "1", "2", "3", "1000", "2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808", "0.5", "-0.5", "1e-300", "1e300", "-1e300"];

    private static readonly string[] Counts = ["0", "-1", "1", "2", "3", "7", "100", "1000000", "2147483647", "-2147483648"];

    private static readonly string[] Words =
    [
        "\"\"", "\" \"", "\"x\"", "\"A\"", "\"anna\"", "\"a b\"", "\"\\u0000\"", "\"\\u001b[2J\"", "\"\\u202e\"", "\"\\ud83d\\ude00\"", "\"../../x\"", "\"a/b?c=d#e\"", "\"%00\"", "\"'; drop table run; --\"",
        "\"ABCDEF\"", "\"0000000000000000000000000000000000000000000000000000000000000000\"", "\"-1\"", "\"[]\"", "\"{0}\"", "\"null\"",
    ];

    private static readonly string[] Moments = ["\"0001-01-01T00:00:00+00:00\"", "\"9999-12-31T23:59:59.9999999+00:00\"", "\"2020-01-01T00:00:00Z\"", "\"2100-01-01T00:00:00+14:00\""];

    private static readonly string[] Spans = ["\"00:00:00\"", "\"-1.00:00:00\"", "\"10675199.02:48:05.4775807\"", "\"00:00:00.0000001\"", "\"365.00:00:00\""];

    /// <summary>Another value of the same kind, so that the text can still be read as what it was.</summary>
    private static string Alike(JsonNode? value, SeededRandom random)
    {
        string Any(string[] values) => values[random.NextInt(values.Length)];
        return value?.GetValueKind() switch
        {
            null => Any(Values),
            JsonValueKind.Number when value.ToJsonString().All(c => char.IsAsciiDigit(c) || c == '-') => Any(random.NextInt(8) == 0 ? Numbers : Counts),
            JsonValueKind.Number => Any(Numbers),
            JsonValueKind.True or JsonValueKind.False => Any(["true", "false"]),
            JsonValueKind.String when value.AsValue().TryGetValue<Guid>(out _) => Any(["\"00000000-0000-0000-0000-000000000000\"", $"\"{new Guid((int)random.NextUInt64(), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)}\""]),
            JsonValueKind.String when value.AsValue().TryGetValue<DateTimeOffset>(out _) => Any(Moments),
            JsonValueKind.String when TimeSpan.TryParse(value.GetValue<string>(), CultureInfo.InvariantCulture, out _) => Any(Spans),
            JsonValueKind.String => random.NextInt(40) == 0 ? $"\"{new string('x', random.NextInt(2) == 0 ? 300 : HugeText)}\"" : Any(Words),
            JsonValueKind.Array => Any(["[]", "[null]"]),
            _ => "null",
        };
    }

    private static void Change(JsonNode root, List<string> raw, SeededRandom random)
    {
        var places = Places(root).ToList();
        if (places.Count == 0)
        {
            return;
        }

        var place = places[random.NextInt(places.Count)];
        switch (random.NextInt(20))
        {
            case 0:
                place.Remove();
                break;
            case 1:
                place.Set(places[random.NextInt(places.Count)].Value?.DeepClone());
                break;
            case 2:
                place.Repeat(random.NextInt(8) == 0 ? 3000 : 1 + random.NextInt(4));
                break;
            case 3:
                place.Rename(TwiceMark, Raw(raw, random));
                break;
            case 4 or 5:
                place.Set(Raw(raw, random));
                break;
            case 6:
                place.Set(null);
                break;
            default:
                place.Set(Raw(raw, Alike(place.Value, random)));
                break;
        }
    }

    private static JsonValue Raw(List<string> raw, string text)
    {
        raw.Add(text);
        return JsonValue.Create(string.Create(CultureInfo.InvariantCulture, $"{RawMark}{raw.Count - 1}"));
    }

    /// <summary>A stand-in for text that a tree of nodes can't hold.</summary>
    private static JsonValue Raw(List<string> raw, SeededRandom random) => Raw(
        raw,
        random.NextInt(60) switch
        {
            0 => $"\"{new string('x', HugeText)}\"",
            1 => new string('[', 200) + new string(']', 200),
            2 => $"[{string.Join(',', Enumerable.Repeat("0", 20_000))}]",
            3 => string.Concat(Enumerable.Repeat("9", 400)),
            _ => Values[random.NextInt(Values.Length)],
        });

    private static IEnumerable<Place> Places(JsonNode? node) => node switch
    {
        JsonObject map => map.ToList().SelectMany(entry => Places(entry.Value).Prepend(new Place(map, entry.Key, -1))),
        JsonArray list => Enumerable.Range(0, list.Count).ToList().SelectMany(i => Places(list[i]).Prepend(new Place(list, "", i))),
        _ => [],
    };

    /// <summary>A value of an object or a list.</summary>
    private sealed record Place(JsonNode Parent, string Name, int Index)
    {
        public JsonNode? Value => Parent is JsonObject map ? map[Name] : Parent[Index];

        public void Set(JsonNode? value)
        {
            if (Parent is JsonObject map)
            {
                map[Name] = value;
            }
            else
            {
                Parent[Index] = value;
            }
        }

        public void Remove()
        {
            if (Parent is JsonObject map)
            {
                map.Remove(Name);
            }
            else
            {
                Parent.AsArray().RemoveAt(Index);
            }
        }

        /// <summary>Puts a list in the value's place, or an item several times into its own list.</summary>
        public void Repeat(int times)
        {
            var value = Value;
            if (Parent is JsonArray list)
            {
                for (var i = 0; i < times; i++)
                {
                    list.Add(value?.DeepClone());
                }
            }
            else
            {
                Set(new JsonArray([.. Enumerable.Range(0, times).Select(_ => value?.DeepClone())]));
            }
        }

        /// <summary>Adds the same name once more to an object, with another value.</summary>
        public void Rename(string mark, JsonNode value)
        {
            if (Parent is JsonObject map)
            {
                map[Name + mark] = value;
            }
            else
            {
                Set(value);
            }
        }
    }
}
