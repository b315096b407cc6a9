namespace FlEvents.Learning.Models;

/// <summary>One named tensor in a model's parameter vector.</summary>
/// <param name="Name">Layer index and role as PyTorch's <c>nn.Sequential</c> names them, such as <c>0.weight</c>.</param>
/// <param name="Shape">A linear weight is [outputs, inputs], a convolution's [outputs, inputs, kernel, kernel], row-major.</param>
/// <param name="Offset">First element in the parameter vector.</param>
/// <param name="Length">Elements: the product of the shape.</param>
public sealed record TensorSlice(string Name, IReadOnlyList<int> Shape, int Offset, int Length);

/// <summary>Where each tensor of a model stands in its one contiguous parameter vector.</summary>
public sealed class ModelLayout
{
    /// <param name="tensors">Names and shapes, in the order in which they lie in the parameter vector.</param>
    /// <exception cref="ArgumentException">A name comes twice, or a dimension is below 1.</exception>
    /// <exception cref="OverflowException">More than 2³¹ − 1 elements.</exception>
    public ModelLayout(IEnumerable<(string Name, IReadOnlyList<int> Shape)> tensors)
    {
        var slices = new List<TensorSlice>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, shape) in tensors)
        {
            if (!names.Add(name))
            {
                throw new ArgumentException($"The tensor {name} comes twice.", nameof(tensors));
            }

            var length = 1;
            foreach (var size in shape)
            {
                length = size >= 1
                    ? checked(length * size)
                    : throw new ArgumentException($"The tensor {name} has a dimension of {size}; expected at least 1.", nameof(tensors));
            }

            slices.Add(new TensorSlice(name, [.. shape], Length, length));
            Length = checked(Length + length);
        }

        Tensors = slices;
    }

    /// <summary>Tensors in the order of the parameter vector, without gaps.</summary>
    public IReadOnlyList<TensorSlice> Tensors { get; }

    /// <summary>Elements of the parameter vector, P.</summary>
    public int Length { get; }
}
