using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;

namespace FlEvents.Explorer.Tests.Worlds;

/// <summary>The one spelling of rows and messages: equal content has an equal hash, whatever objects hold it.</summary>
internal static class Canonical
{
    // A run's spec never changes, and the runs of a scenario differ in their names.
    private static readonly JsonSerializerOptions Options = new()
    {
        Converters =
        {
            new NameOf<RunSpec>(spec => spec.Name),
            new NameOf<ModelSpec>(spec => $"{spec.Name}"),
            new NameOf<DataSpec>(spec => $"{spec.DataSet}"),
            new NameOf<TrainingSpec>(_ => ""),
        },
    };

    /// <returns>The first 128 bits of SHA-256 over the content as JSON: all properties, dictionaries in order of their keys.</returns>
    public static UInt128 HashOf(object content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(content, content.GetType(), Options), hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    private sealed class NameOf<T>(Func<T, string> name) : JsonConverter<T>
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("Canonical text is written only.");

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(name(value));
    }
}

/// <summary>Gives equal values one small number.</summary>
/// <param name="content">All that tells two values apart.</param>
internal sealed class Interned<T>(Func<T, object> content)
{
    private readonly Dictionary<UInt128, int> _ids = [];
    private readonly List<T> _values = [];

    public int Count => _values.Count;

    public T this[int id] => _values[id];

    public int IdOf(T value)
    {
        var hash = Canonical.HashOf(content(value));
        if (!_ids.TryGetValue(hash, out var id))
        {
            id = _values.Count;
            _ids.Add(hash, id);
            _values.Add(value);
        }

        return id;
    }
}
