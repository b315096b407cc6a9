using System.Security.Cryptography;
using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;

namespace FlEvents.Aggregator.Admission;

/// <summary>Looks at an update's bytes before it is admitted, taking them for hostile.</summary>
public static class UpdateInspection
{
    /// <summary>Most bytes an update of a model may have.</summary>
    /// <remarks>The same tensors in another header can differ in white space and order, not by orders of magnitude.</remarks>
    public static long LargestBytes(ModelLayout layout) => SafetensorsWriter.FileLength(layout) + SafetensorsHeader.MaxLength;

    /// <summary>Checks length, hash, header, tensor names and shapes, and that every element is finite; reads in chunks.</summary>
    /// <param name="file">The stored bytes; null when the update store has none for this task.</param>
    /// <param name="largestNorm">Largest ℓ2 norm the whole update may have; null where the sum clips it.</param>
    /// <returns>The first defect, or null.</returns>
    public static BlobDefect? Inspect(FileStream? file, BlobRef announced, ModelLayout layout, double? largestNorm)
    {
        var largest = LargestBytes(layout);
        if (announced.SizeBytes > largest)
        {
            return new BlobDefect(RejectionCode.TooLarge, $"The update has {announced.SizeBytes} bytes; expected at most {largest}.");
        }

        if (file is null || file.Length != announced.SizeBytes)
        {
            var found = file is null ? "is not in the update store for this task" : $"has {file.Length} bytes there";
            return new BlobDefect(RejectionCode.BlobMismatch, $"Update {announced.Sha256} of {announced.SizeBytes} bytes {found}.");
        }

        var actual = Convert.ToHexStringLower(SHA256.HashData(file));
        if (actual != announced.Sha256)
        {
            return new BlobDefect(RejectionCode.BlobMismatch, $"The stored bytes of update {announced.Sha256} have the hash {actual}.");
        }

        file.Position = 0;
        return InspectTensors(file, layout, largestNorm);
    }

    private static BlobDefect? InspectTensors(FileStream file, ModelLayout layout, double? largestNorm)
    {
        try
        {
            var header = SafetensorsHeader.Read(file, file.Length);
            if (header.CheckLayout(layout) is { } mismatch)
            {
                return new BlobDefect(RejectionCode.WrongLayout, mismatch);
            }

            if (header.FirstNonFinite(file) is { } element)
            {
                return new BlobDefect(RejectionCode.NotFinite, $"Element {element.Index} of tensor {element.Tensor} is not finite.");
            }

            // The norm itself is not told: unlike the bound it was computed from data.
            return largestNorm is { } bound && Norm(header, file) > bound
                ? new BlobDefect(RejectionCode.NormTooLarge, $"The update's norm is above {bound}, which the clipping norm and honest noise do not reach.")
                : null;
        }
        catch (SafetensorsException e)
        {
            return new BlobDefect(RejectionCode.Malformed, e.Message);
        }
    }

    private static double Norm(SafetensorsHeader header, FileStream file) => Math.Sqrt(header.Summarize(file).Sum(tensor => tensor.Norm * tensor.Norm));
}
