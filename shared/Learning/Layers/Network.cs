using FlEvents.Learning.Models;

namespace FlEvents.Learning.Layers;

/// <summary>A model at work: its layers and the values between them for one batch. One instance serves one thread at a time.</summary>
/// <remarks>
/// Every layer's inputs and output gradients stay in place until the next batch. The parameters come from outside as one vector, shape [P].
/// </remarks>
public sealed class Network
{
    private readonly Layer[] _layers;
    private readonly float[][] _values;
    private readonly float[][] _gradients;
    private int _capacity;

    public Network(Model model)
    {
        Model = model;
        _layers = [.. model.Layers.Select(Layer.Create).OfType<Layer>()];
        _values = new float[_layers.Length + 1][];
        _gradients = new float[_layers.Length + 1][];
    }

    public Model Model { get; }

    /// <summary>The layers that compute something, in order.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>The inputs of a layer as the last <see cref="Forward"/> left them; shape [batch, InputSize].</summary>
    public ReadOnlySpan<float> LayerInputs(int index, int batch) => Values(index, _layers[index].InputSize, batch);

    /// <summary>∂L/∂outputs of a layer as the last backward pass left them; shape [batch, OutputSize].</summary>
    public ReadOnlySpan<float> LayerOutputGradients(int index, int batch) => Gradients(index + 1, _layers[index].OutputSize, batch);

    /// <summary>Makes room for batches of up to <paramref name="batch"/> examples.</summary>
    /// <param name="batch">At least 1.</param>
    /// <param name="backward">Whether <see cref="Backward"/> will be called.</param>
    /// <exception cref="ArgumentException">The values of a batch between two layers do not fit one array.</exception>
    public void Reserve(int batch, bool backward)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        for (var i = 0; i <= _layers.Length; i++)
        {
            var size = Size(batch, i == 0 ? Model.InputSize : _layers[i - 1].OutputSize);
            if (batch > _capacity)
            {
                _values[i] = new float[size];
            }

            // The inputs of the model need no gradient.
            if (backward && i > 0 && (_gradients[i]?.Length ?? 0) < size)
            {
                _gradients[i] = new float[size];
            }
        }

        foreach (var layer in _layers)
        {
            layer.Reserve(batch);
        }

        _capacity = Math.Max(_capacity, batch);
    }

    /// <summary>Where the caller puts a batch before <see cref="Forward"/>; shape [batch, InputSize].</summary>
    public Span<float> Inputs(int batch) => _values[0].AsSpan(0, batch * Model.InputSize);

    /// <summary>Where the caller puts ∂L/∂outputs before <see cref="Backward"/>; shape [batch, Outputs].</summary>
    public Span<float> OutputGradients(int batch) => _gradients[^1].AsSpan(0, batch * Model.Outputs);

    /// <summary>The model's outputs for the batch in <see cref="Inputs"/>; shape [batch, Outputs], good until the next call.</summary>
    public ReadOnlySpan<float> Forward(ReadOnlySpan<float> parameters, int batch)
    {
        for (var i = 0; i < _layers.Length; i++)
        {
            var layer = _layers[i];
            layer.Forward(Of(layer, parameters), Values(i, layer.InputSize, batch), Values(i + 1, layer.OutputSize, batch), batch);
        }

        return Values(_layers.Length, Model.Outputs, batch);
    }

    /// <summary>∂L/∂parameters from <see cref="OutputGradients"/>, after a <see cref="Forward"/> of the same batch.</summary>
    /// <param name="parameters">Those of the forward pass, shape [P].</param>
    /// <param name="parameterGradients">Overwritten, shape [P].</param>
    /// <param name="batch">Examples in the batch.</param>
    public void Backward(ReadOnlySpan<float> parameters, Span<float> parameterGradients, int batch)
    {
        for (var i = _layers.Length - 1; i >= 0; i--)
        {
            var layer = _layers[i];
            var gradients = parameterGradients.Slice(layer.ParameterOffset, layer.ParameterCount);
            layer.BackwardToParameters(LayerInputs(i, batch), LayerOutputGradients(i, batch), gradients, batch);
            BackwardThrough(i, parameters, batch);
        }
    }

    /// <summary>
    /// ∂L/∂outputs of every layer from <see cref="OutputGradients"/>, and no gradient of a parameter; after a <see cref="Forward"/> of the same batch.
    /// </summary>
    /// <param name="parameters">Those of the forward pass, shape [P].</param>
    /// <param name="batch">Examples in the batch.</param>
    public void BackwardToValues(ReadOnlySpan<float> parameters, int batch)
    {
        for (var i = _layers.Length - 1; i > 0; i--)
        {
            BackwardThrough(i, parameters, batch);
        }
    }

    /// <summary>From a layer's output gradients to those of the layer before; nothing for the first, since the inputs of the model need no gradient.</summary>
    private void BackwardThrough(int index, ReadOnlySpan<float> parameters, int batch)
    {
        if (index > 0)
        {
            var layer = _layers[index];
            layer.BackwardToInputs(
                Of(layer, parameters),
                LayerInputs(index, batch),
                Values(index + 1, layer.OutputSize, batch),
                LayerOutputGradients(index, batch),
                Gradients(index, layer.InputSize, batch),
                batch);
        }
    }

    private static int Size(int batch, int values) =>
        (long)batch * values <= Array.MaxLength
            ? batch * values
            : throw new ArgumentException($"A batch of {batch} examples with {values} values each does not fit one array.", nameof(batch));

    private static ReadOnlySpan<float> Of(Layer layer, ReadOnlySpan<float> parameters) => parameters.Slice(layer.ParameterOffset, layer.ParameterCount);

    private Span<float> Values(int index, int size, int batch) => _values[index].AsSpan(0, batch * size);

    private Span<float> Gradients(int index, int size, int batch) => _gradients[index].AsSpan(0, batch * size);
}
