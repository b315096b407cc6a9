using FlEvents.Learning.Layers;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Private;

/// <summary>The gradient of one privacy unit of several rows: summed apart, then clipped as a whole and added to a step's sum.</summary>
/// <remarks>
/// What is added is what the norm was taken of, element by element. A weighted sum of the rows straight into the step's sum would need no second vector, but
/// rows whose large gradients cancel would leave their rounding in it, and that moves the sum by more than C.
/// </remarks>
internal sealed class UnitGradient
{
    private readonly Network _network;
    private readonly ExampleGradients?[] _layers;

    /// <summary>Σ of the rows so far, shape [P].</summary>
    private readonly double[] _sums;
    private readonly double[] _ones;

    /// <param name="network">Holds the activations and output gradients of a batch.</param>
    /// <param name="layers">The network's.</param>
    /// <param name="largestBatch">Most rows of a batch.</param>
    public UnitGradient(Network network, ExampleGradients?[] layers, int largestBatch)
    {
        (_network, _layers) = (network, layers);
        _sums = new double[network.Model.ParameterCount];
        _ones = new double[largestBatch];
        _ones.AsSpan().Fill(1);
    }

    /// <summary>Adds the gradients of rows of the unit.</summary>
    /// <param name="first">Place of the first of them in the batch.</param>
    /// <param name="count">How many follow one another.</param>
    /// <param name="batch">Rows of the batch that went through the network.</param>
    public void Add(int first, int count, int batch)
    {
        for (var i = 0; i < _layers.Length; i++)
        {
            var layer = _network.Layers[i];
            var inputs = _network.LayerInputs(i, batch).Slice(first * layer.InputSize, count * layer.InputSize);
            var outputGradients = _network.LayerOutputGradients(i, batch).Slice(first * layer.OutputSize, count * layer.OutputSize);
            var sums = _sums.AsSpan(layer.ParameterOffset, layer.ParameterCount);
            _layers[i]?.AddWeighted(first, inputs, outputGradients, _ones.AsSpan(0, count), sums);
        }
    }

    /// <summary>Adds the clipped mean of the unit's rows to a step's sum; the next unit begins at zero.</summary>
    /// <param name="rows">Rows of the unit, all of them added.</param>
    /// <param name="clipNorm">C.</param>
    /// <param name="sums">Shape [P].</param>
    public void Release(int rows, double clipNorm, Span<double> sums)
    {
        WeightedSums.Add(_sums, PrivateGradient.Weight(Reductions.SumOfSquares(_sums), rows, clipNorm), sums);
        Clear();
    }

    public void Clear() => _sums.AsSpan().Clear();
}
