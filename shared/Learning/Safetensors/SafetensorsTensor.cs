namespace FlEvents.Learning.Safetensors;

/// <summary>One tensor of a file, all its values consistent with the file's length.</summary>
/// <param name="Name">As the file gives it; any text.</param>
/// <param name="Dtype">Type of the elements: always <c>F32</c>, little-endian.</param>
/// <param name="Shape">Each at least 0; empty for a scalar.</param>
/// <param name="Begin">First byte, from the start of the file.</param>
/// <param name="Length">Elements: the product of the shape.</param>
public sealed record SafetensorsTensor(string Name, string Dtype, IReadOnlyList<long> Shape, long Begin, long Length)
{
    public long End => Begin + (Length * sizeof(float));
}

/// <summary>A tensor and what its elements come to.</summary>
/// <param name="Tensor">Which one.</param>
/// <param name="Norm">√Σ xᵢ², summed in double.</param>
/// <param name="Least">Smallest element that is not NaN; +∞ when there is none.</param>
/// <param name="Largest">Largest element that is not NaN; −∞ when there is none.</param>
/// <param name="NonFiniteCount">Elements that are NaN or infinite.</param>
public sealed record TensorSummary(SafetensorsTensor Tensor, double Norm, float Least, float Largest, long NonFiniteCount);

/// <summary>An element that is NaN or infinite.</summary>
/// <param name="Tensor">Name of its tensor.</param>
/// <param name="Index">Its index in the tensor, row-major from 0.</param>
public sealed record NonFiniteElement(string Tensor, long Index);
