using System.Text;
using System.Text.Json;

namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>The one text form of an event, which ledgers store and recompute charges from.</summary>
/// <remarks>
/// JSON without spaces: <c>{"type":"subsampledGaussian","q":0.01,"z":1.1,"steps":100}</c>. Members stand in the order written here, all of them always;
/// numbers are the shortest that read back to the same double. So equal events have equal text, and text that was written reads back to an equal event.
/// </remarks>
public static class PrivacyEventText
{
    private const int DeepestNesting = 64;

    /// <returns>The canonical text.</returns>
    public static string Write(PrivacyEvent part)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { MaxDepth = DeepestNesting }))
        {
            Write(json, part);
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>Reads an event, written here or by hand (any order of members and any spacing).</summary>
    /// <exception cref="FormatException">Not an event: the message says what and where.</exception>
    public static PrivacyEvent Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = DeepestNesting });
            return Read(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new FormatException($"A privacy event must be JSON: {e.Message}", e);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new FormatException($"Not a privacy event: {e.Message}", e);
        }
    }

    private static void Write(Utf8JsonWriter json, PrivacyEvent part)
    {
        json.WriteStartObject();
        json.WriteString("type", TypeOf(part));
        switch (part)
        {
            case GaussianEvent e:
                json.WriteNumber("z", e.NoiseMultiplier);
                break;
            case SubsampledGaussianEvent e:
                Numbers(json, ("q", e.SamplingRate), ("z", e.NoiseMultiplier));
                json.WriteNumber("steps", e.Steps);
                break;
            case TruncatedSubsampledGaussianEvent e:
                json.WriteNumber("n", e.DatasetSize);
                json.WriteNumber("q", e.SamplingRate);
                json.WriteNumber("largestBatch", e.LargestBatch);
                json.WriteNumber("z", e.NoiseMultiplier);
                json.WriteNumber("steps", e.Steps);
                break;
            case FixedSizeGaussianEvent e:
                json.WriteNumber("n", e.DatasetSize);
                json.WriteNumber("sampleSize", e.SampleSize);
                json.WriteNumber("z", e.NoiseMultiplier);
                json.WriteNumber("steps", e.Steps);
                break;
            case LaplaceEvent e:
                json.WriteNumber("b", e.NoiseMultiplier);
                break;
            case DiscreteLaplaceEvent e:
                json.WriteNumber("a", e.Parameter);
                json.WriteNumber("sensitivity", e.Sensitivity);
                break;
            case DiscreteGaussianEvent e:
                Numbers(json, ("sigma", e.Sigma), ("sensitivity", e.Sensitivity));
                json.WriteNumber("dimension", e.Dimension);
                break;
            case TreeGaussianEvent e:
                json.WriteNumber("z", e.NoiseMultiplier);
                json.WriteNumber("stepsPerTree", e.StepsPerTree);
                json.WriteNumber("trees", e.Trees);
                break;
            case EpsilonDeltaEvent e:
                Numbers(json, ("epsilon", e.Epsilon), ("delta", e.Delta));
                break;
            case ZcdpEvent e:
                Numbers(json, ("rho", e.Rho), ("xi", e.Xi));
                break;
            case RepeatedEvent e:
                json.WriteNumber("count", e.Count);
                json.WritePropertyName("event");
                Write(json, e.Event);
                break;
            case EventSequence e:
                json.WriteStartArray("events");
                foreach (var child in e.Events)
                {
                    Write(json, child);
                }

                json.WriteEndArray();
                break;
        }

        json.WriteEndObject();
    }

    private static void Numbers(Utf8JsonWriter json, params ReadOnlySpan<(string Name, double Value)> members)
    {
        foreach (var (name, value) in members)
        {
            json.WriteNumber(name, value);
        }
    }

    private static string TypeOf(PrivacyEvent part) => part switch
    {
        GaussianEvent => "gaussian",
        SubsampledGaussianEvent => "subsampledGaussian",
        TruncatedSubsampledGaussianEvent => "truncatedSubsampledGaussian",
        FixedSizeGaussianEvent => "fixedSizeGaussian",
        LaplaceEvent => "laplace",
        DiscreteLaplaceEvent => "discreteLaplace",
        DiscreteGaussianEvent => "discreteGaussian",
        TreeGaussianEvent => "treeGaussian",
        EpsilonDeltaEvent => "epsilonDelta",
        ZcdpEvent => "zcdp",
        UnboundedEvent => "unbounded",
        RepeatedEvent => "repeated",
        EventSequence => "sequence",
        _ => throw new ArgumentOutOfRangeException(nameof(part), part.GetType().Name, "Expected a known privacy event."),
    };

    private static PrivacyEvent Read(JsonElement json)
    {
        var members = new Members(json);
        PrivacyEvent read = members.Text("type") switch
        {
            "gaussian" => new GaussianEvent(members.Number("z")),
            "subsampledGaussian" => new SubsampledGaussianEvent(members.Number("q"), members.Number("z"), members.Whole("steps")),
            "truncatedSubsampledGaussian" => new TruncatedSubsampledGaussianEvent(
                members.Whole("n"), members.Number("q"), members.Whole("largestBatch"), members.Number("z"), members.Whole("steps")),
            "fixedSizeGaussian" => new FixedSizeGaussianEvent(
                members.Whole("n"), members.Whole("sampleSize"), members.Number("z"), members.Whole("steps")),
            "laplace" => new LaplaceEvent(members.Number("b")),
            "discreteLaplace" => new DiscreteLaplaceEvent(members.Number("a"), members.Whole("sensitivity")),
            "discreteGaussian" => new DiscreteGaussianEvent(members.Number("sigma"), members.Number("sensitivity"), members.Whole("dimension")),
            "treeGaussian" => new TreeGaussianEvent(members.Number("z"), members.Whole("stepsPerTree"), members.Whole("trees")),
            "epsilonDelta" => new EpsilonDeltaEvent(members.Number("epsilon"), members.Number("delta")),
            "zcdp" => new ZcdpEvent(members.Number("rho"), members.Number("xi")),
            "unbounded" => new UnboundedEvent(),
            "repeated" => new RepeatedEvent(Read(members.Value("event")), members.Whole("count")),
            "sequence" => new EventSequence(members.Items("events").Select(Read)),
            var type => throw new FormatException($"\"{type}\" is not a known type of privacy event."),
        };
        members.RefuseOthers();
        return read;
    }

    /// <summary>The members of a JSON object: each must be there, once, of its kind, and no other.</summary>
    private sealed class Members
    {
        private readonly Dictionary<string, JsonElement> _values = [];
        private readonly HashSet<string> _read = [];

        public Members(JsonElement json)
        {
            if (json.ValueKind != JsonValueKind.Object)
            {
                throw new FormatException($"A privacy event must be a JSON object, found {json.ValueKind}.");
            }

            foreach (var member in json.EnumerateObject())
            {
                if (!_values.TryAdd(member.Name, member.Value))
                {
                    throw new FormatException($"A privacy event has the member \"{member.Name}\" twice.");
                }
            }
        }

        public JsonElement Value(string name) =>
            _read.Add(name) && _values.TryGetValue(name, out var value) ? value : throw new FormatException($"A privacy event lacks the member \"{name}\".");

        public string Text(string name) => Value(name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : throw Wrong(name, "a text");

        public double Number(string name) =>
            Value(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out var value) ? value : throw Wrong(name, "a number");

        public long Whole(string name) =>
            Value(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : throw Wrong(name, "a whole number");

        public JsonElement.ArrayEnumerator Items(string name) =>
            Value(name) is { ValueKind: JsonValueKind.Array } items ? items.EnumerateArray() : throw Wrong(name, "a list");

        public void RefuseOthers()
        {
            if (_values.Keys.Except(_read).FirstOrDefault() is { } other)
            {
                throw new FormatException($"A privacy event has the unknown member \"{other}\".");
            }
        }

        private FormatException Wrong(string name, string expected) => new($"The member \"{name}\" is {_values[name].GetRawText()}, expected {expected}.");
    }
}
