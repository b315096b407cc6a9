using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FlEvents.Learning.Safetensors;

/// <summary>Reads the JSON of a safetensors header, believing none of it.</summary>
internal static class HeaderParser
{
    private const int MaxDepth = 3;
    private const int MaxDimensions = 8;

    /// <param name="json">The header without its length.</param>
    /// <param name="dataBegin">First byte of the data, from the start of the file.</param>
    /// <param name="dataLength">Bytes of the data.</param>
    /// <returns>The tensors in the order of their bytes, which they fill without gap or overlap.</returns>
    /// <exception cref="SafetensorsException">Anything is not as the format has it.</exception>
    public static List<SafetensorsTensor> Parse(ReadOnlySpan<byte> json, long dataBegin, long dataLength)
    {
        try
        {
            var tensors = ReadTensors(json, dataBegin, dataLength);
            CheckCoverage(tensors, dataBegin, dataLength);
            return tensors;
        }
        catch (JsonException error)
        {
            throw new SafetensorsException($"The header is not valid JSON at byte {error.BytePositionInLine}; expected an object of tensors.", error);
        }
        catch (InvalidOperationException error)
        {
            // The reader throws this for text that is not valid Unicode, and for a value of another kind than the one asked for.
            throw new SafetensorsException("The header holds a value of the wrong kind or text that is not valid Unicode.", error);
        }
    }

    /// <summary>A name as messages show it: short, and without control characters.</summary>
    public static string Quote(string name)
    {
        var text = new StringBuilder("\"");
        foreach (var character in name.Length > 64 ? name.AsSpan(0, 64) : name)
        {
            var isPlain = !char.IsControl(character) && !char.IsSurrogate(character) && char.GetUnicodeCategory(character) != UnicodeCategory.Format;
            text.Append(isPlain ? character : '?');
        }

        return text.Append(name.Length > 64 ? "…\"" : "\"").ToString();
    }

    private static List<SafetensorsTensor> ReadTensors(ReadOnlySpan<byte> json, long dataBegin, long dataLength)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        var tensors = new List<SafetensorsTensor>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        Expect(ref reader, JsonTokenType.StartObject, "the header");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!names.Add(name))
            {
                throw new SafetensorsException($"The name {Quote(name)} comes twice in the header.");
            }

            if (name == "__metadata__")
            {
                SkipMetadata(ref reader);
            }
            else
            {
                tensors.Add(ReadTensor(ref reader, name, dataBegin, dataLength));
            }
        }

        // Only white space may follow; reading on checks it.
        while (reader.Read())
        {
        }

        tensors.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        return tensors;
    }

    private static SafetensorsTensor ReadTensor(ref Utf8JsonReader reader, string name, long dataBegin, long dataLength)
    {
        string? dtype = null;
        List<long>? shape = null, offsets = null;
        var tensor = $"the tensor {Quote(name)}";
        Expect(ref reader, JsonTokenType.StartObject, tensor);
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var property = reader.GetString()!;
            switch (property)
            {
                case "dtype" when dtype is null:
                    Expect(ref reader, JsonTokenType.String, $"the dtype of {tensor}");
                    dtype = reader.GetString()!;
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, MaxDimensions, $"the shape of {tensor}");
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref reader, 2, $"the data_offsets of {tensor}");
                    break;
                default:
                    throw new SafetensorsException($"The property {Quote(property)} of {tensor} is unknown or comes twice.");
            }
        }

        if (dtype is null || shape is null || offsets is null)
        {
            throw new SafetensorsException($"A property of {tensor} is missing; expected dtype, shape and data_offsets.");
        }

        return Checked(name, dtype, shape, offsets, dataBegin, dataLength);
    }

    private static SafetensorsTensor Checked(
        string name, string dtype, List<long> shape, List<long> offsets, long dataBegin, long dataLength)
    {
        if (dtype != "F32")
        {
            throw new SafetensorsException($"The tensor {Quote(name)} has the dtype {Quote(dtype)}; expected F32.");
        }

        if (offsets.Count != 2 || offsets[0] > offsets[1] || offsets[1] > dataLength)
        {
            throw new SafetensorsException(
                $"The tensor {Quote(name)} has the data_offsets [{string.Join(", ", offsets)}]; expected a range within the {dataLength} bytes of data.");
        }

        var bytes = (UInt128)sizeof(float);
        foreach (var size in shape)
        {
            bytes *= (ulong)size;
            if (bytes > (ulong)dataLength && !shape.Contains(0))
            {
                break;
            }
        }

        if (bytes != (ulong)(offsets[1] - offsets[0]))
        {
            throw new SafetensorsException(
                $"The tensor {Quote(name)} of shape [{string.Join(", ", shape)}] has {offsets[1] - offsets[0]} bytes, which is not four an element.");
        }

        return new SafetensorsTensor(name, dtype, shape, dataBegin + offsets[0], (offsets[1] - offsets[0]) / sizeof(float));
    }

    private static void CheckCoverage(List<SafetensorsTensor> tensors, long dataBegin, long dataLength)
    {
        var end = dataBegin;
        foreach (var tensor in tensors)
        {
            if (tensor.Begin != end)
            {
                throw new SafetensorsException(
                    $"The tensor {Quote(tensor.Name)} begins at byte {tensor.Begin - dataBegin} of the data; expected {end - dataBegin}, without gap or overlap.");
            }

            end = tensor.End;
        }

        if (end != dataBegin + dataLength)
        {
            throw new SafetensorsException($"The tensors end at byte {end - dataBegin} of the data; expected its end at {dataLength}.");
        }
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader reader, int most, string what)
    {
        var numbers = new List<long>(most);
        Expect(ref reader, JsonTokenType.StartArray, what);
        while (Next(ref reader) != JsonTokenType.EndArray)
        {
            if (numbers.Count == most || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
            {
                throw new SafetensorsException($"A wrong value in {what}; expected at most {most} whole numbers from 0 on.");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>Metadata is text by name; it means nothing here.</summary>
    private static void SkipMetadata(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartObject, "__metadata__");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            Expect(ref reader, JsonTokenType.String, "__metadata__");
        }
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType expected, string what)
    {
        if (Next(ref reader) != expected)
        {
            throw new SafetensorsException($"Found {reader.TokenType} in {what}; expected {expected}.");
        }
    }

    private static JsonTokenType Next(ref Utf8JsonReader reader) => reader.Read() ? reader.TokenType : JsonTokenType.None;
}
