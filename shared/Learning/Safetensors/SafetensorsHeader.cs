using System.Buffers.Binary;
using System.Runtime.InteropServices;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Safetensors;

/// <summary>The tensors of a safetensors file, checked against its length; what reads their bytes starts from here.</summary>
/// <remarks>
/// A file is taken for hostile: its header's length is checked before it is read, tensors must fill the data without gap or overlap, and nothing is
/// allocated that the file's own length does not cover. Streams are seekable and hold the file from position 0; none is closed.
/// </remarks>
public sealed class SafetensorsHeader
{
    /// <summary>Longest header accepted, in bytes: 1 MiB, far below the format's own limit of 100 MB.</summary>
    public const int MaxLength = 1 << 20;

    private readonly Dictionary<string, SafetensorsTensor> _byName;

    private SafetensorsHeader(List<SafetensorsTensor> tensors)
    {
        Tensors = tensors;
        _byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>Tensors in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>Reads and checks the header of a file.</summary>
    /// <param name="stream">The file from its first byte on; read up to the data.</param>
    /// <param name="fileLength">Bytes of the whole file.</param>
    /// <exception cref="SafetensorsException">The header is not well-formed, or does not fit the length.</exception>
    public static SafetensorsHeader Read(Stream stream, long fileLength)
    {
        Span<byte> prefix = stackalloc byte[sizeof(long)];
        if (fileLength < sizeof(long))
        {
            throw new SafetensorsException($"A file of {fileLength} bytes; expected at least 8, the length of the header.");
        }

        ReadExactly(stream, prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength || length > (ulong)(fileLength - sizeof(long)))
        {
            throw new SafetensorsException(
                $"A header of {length} bytes in a file of {fileLength}; expected at most {Math.Min(MaxLength, fileLength - sizeof(long))}.");
        }

        var header = new byte[(int)length];
        ReadExactly(stream, header);
        var dataBegin = sizeof(long) + (long)length;
        return new SafetensorsHeader(HeaderParser.Parse(header, dataBegin, fileLength - dataBegin));
    }

    /// <summary>Whether the file holds exactly the layout's tensors, in any order.</summary>
    /// <returns>Null, or one sentence that names the first tensor that differs, with both shapes.</returns>
    public string? CheckLayout(ModelLayout layout)
    {
        foreach (var slice in layout.Tensors)
        {
            var expected = $"expected [{string.Join(", ", slice.Shape)}]";
            if (!_byName.TryGetValue(slice.Name, out var tensor))
            {
                return $"The tensor {HeaderParser.Quote(slice.Name)} is missing; {expected}.";
            }

            if (!tensor.Shape.SequenceEqual(slice.Shape.Select(size => (long)size)))
            {
                return $"The tensor {HeaderParser.Quote(slice.Name)} has the shape [{string.Join(", ", tensor.Shape)}]; {expected}.";
            }
        }

        var known = layout.Tensors.Select(slice => slice.Name).ToHashSet(StringComparer.Ordinal);
        return Tensors.FirstOrDefault(tensor => !known.Contains(tensor.Name)) is { } other
            ? $"The tensor {HeaderParser.Quote(other.Name)} of shape [{string.Join(", ", other.Shape)}] is not one of the model's."
            : null;
    }

    /// <summary>All weights in the order of the layout, shape [P].</summary>
    /// <exception cref="SafetensorsException">The layout is not the file's, or the stream ends early.</exception>
    public float[] ReadWeights(Stream stream, ModelLayout layout)
    {
        if (CheckLayout(layout) is { } mismatch)
        {
            throw new SafetensorsException(mismatch);
        }

        var weights = new float[layout.Length];
        ReadSlice(stream, layout, 0, weights);
        return weights;
    }

    /// <summary>A slice of the parameter vector, whatever order the file's tensors have.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="layout">One that <see cref="CheckLayout"/> accepted.</param>
    /// <param name="from">First parameter, from 0.</param>
    /// <param name="weights">Filled with as many parameters as it holds.</param>
    /// <exception cref="ArgumentOutOfRangeException">The slice reaches beyond the layout.</exception>
    /// <exception cref="SafetensorsException">A tensor is missing or has another length, or the stream ends early.</exception>
    public void ReadSlice(Stream stream, ModelLayout layout, int from, Span<float> weights)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from, layout.Length - weights.Length);
        var to = from + weights.Length;
        foreach (var slice in layout.Tensors)
        {
            var first = Math.Max(from, slice.Offset);
            var last = Math.Min(to, slice.Offset + slice.Length);
            if (first >= last)
            {
                continue;
            }

            if (!_byName.TryGetValue(slice.Name, out var tensor) || tensor.Length != slice.Length)
            {
                throw new SafetensorsException(CheckLayout(layout) ?? $"The tensor {HeaderParser.Quote(slice.Name)} does not fit the layout.");
            }

            stream.Position = tensor.Begin + ((long)(first - slice.Offset) * sizeof(float));
            ReadExactly(stream, MemoryMarshal.AsBytes(weights[(first - from)..(last - from)]));
        }
    }

    /// <summary>The first element, in the order of the file, that is NaN or infinite; null when all are finite.</summary>
    /// <exception cref="SafetensorsException">The stream ends early.</exception>
    public NonFiniteElement? FirstNonFinite(Stream stream)
    {
        NonFiniteElement? found = null;
        TensorScan.Chunks(stream, Tensors, (tensor, index, values) =>
        {
            var at = TensorScan.IndexOfNonFinite(values);
            found = at < 0 ? null : new NonFiniteElement(tensor.Name, index + at);
            return found is null;
        });
        return found;
    }

    /// <summary>Norm and range of every tensor, read once and in the order of the file.</summary>
    /// <exception cref="SafetensorsException">The stream ends early.</exception>
    public IReadOnlyList<TensorSummary> Summarize(Stream stream) => TensorScan.Summarize(stream, Tensors);

    internal static void ReadExactly(Stream stream, Span<byte> bytes)
    {
        try
        {
            stream.ReadExactly(bytes);
        }
        catch (EndOfStreamException error)
        {
            throw new SafetensorsException($"The file ends before the {bytes.Length} bytes its length or header promises.", error);
        }
    }
}
