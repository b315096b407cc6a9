using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Safetensors;

/// <summary>Passes over a file's tensors in pieces of at most 64 KiB.</summary>
internal static class TensorScan
{
    private const int ChunkLength = 16384;
    private const int ExponentMask = 0x7F800000;

    /// <param name="tensor">Where the values stand.</param>
    /// <param name="index">Index in the tensor of the first value.</param>
    /// <param name="values">At least one.</param>
    /// <returns>Whether to go on.</returns>
    public delegate bool Visitor(SafetensorsTensor tensor, long index, ReadOnlySpan<float> values);

    public static void Chunks(Stream stream, IReadOnlyList<SafetensorsTensor> tensors, Visitor visit)
    {
        var buffer = new float[ChunkLength];
        foreach (var tensor in tensors)
        {
            stream.Position = tensor.Begin;
            for (var index = 0L; index < tensor.Length; index += ChunkLength)
            {
                var values = buffer.AsSpan(0, (int)Math.Min(ChunkLength, tensor.Length - index));
                SafetensorsHeader.ReadExactly(stream, MemoryMarshal.AsBytes(values));
                if (!visit(tensor, index, values))
                {
                    return;
                }
            }
        }
    }

    /// <summary>Index of the first value whose exponent bits are all ones, which are NaN and ±∞; −1 when there is none.</summary>
    public static int IndexOfNonFinite(ReadOnlySpan<float> values)
    {
        var mask = Vector256.Create(ExponentMask);
        var blocks = MemoryMarshal.Cast<float, Vector256<int>>(values);
        var block = 0;
        while (block < blocks.Length && !Vector256.EqualsAny(blocks[block] & mask, mask))
        {
            block++;
        }

        for (var i = block * Vector256<float>.Count; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                return i;
            }
        }

        return -1;
    }

    public static List<TensorSummary> Summarize(Stream stream, IReadOnlyList<SafetensorsTensor> tensors)
    {
        var summaries = tensors.Select(tensor => new TensorSummary(tensor, 0, float.PositiveInfinity, float.NegativeInfinity, 0)).ToList();
        var at = 0;
        Chunks(stream, tensors, (tensor, _, values) =>
        {
            while (!ReferenceEquals(tensors[at], tensor))
            {
                at++;
            }

            var (least, largest, nonFinite) = (summaries[at].Least, summaries[at].Largest, summaries[at].NonFiniteCount);
            foreach (var value in values)
            {
                least = value < least ? value : least;
                largest = value > largest ? value : largest;
                nonFinite += float.IsFinite(value) ? 0 : 1;
            }

            // The squares until the last piece has come, then their root.
            summaries[at] = new TensorSummary(tensor, summaries[at].Norm + Reductions.SumOfSquares(values), least, largest, nonFinite);
            return true;
        });
        return summaries.ConvertAll(summary => summary with { Norm = Math.Sqrt(summary.Norm) });
    }
}
