using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Layers;
using FlEvents.Learning.Losses;

namespace FlEvents.Learning.Private;

/// <summary>
/// The gradient of a private step: the clipped gradients of a Poisson batch of privacy units, summed, noised and divided by a constant. For one thread at a time; a step allocates
/// nothing.
/// </summary>
/// <remarks>
/// One forward and one backward pass for each part of a batch, no more: activations and output gradients stay in the network, norms are taken from them, and
/// then the weighted sum (Bu et al. 2023, arXiv:2210.00038). Parts only bound the memory: every parameter's sum is one chain in double over the examples in
/// the order of the batch. Sums, noise and the batch are wiped before a step ends.
/// </remarks>
internal sealed class PrivateGradient
{
    /// <summary>What activations, gradients and workspace of a part may take: about the second-level cache.</summary>
    private const long PartBytes = 4 << 20;

    private const int SmallestPart = 16;
    private const int LargestPart = 256;
    private const int NoiseLength = 4096;

    private readonly Network _network;
    private readonly ExampleGradients?[] _layers;
    private readonly int _part;
    private readonly double[] _sums;
    private readonly double[] _noise;
    private readonly double[] _squaredNorms;
    private readonly double[] _weights;
    private readonly UnitBatch _unitBatch = new();
    private int[] _chosen = [];
    private UnitGradient? _unitGradient;

    public PrivateGradient(Network network)
    {
        _network = network;
        var kinds = network.Model.Layers.Where(layer => layer.Kind != LayerKind.Flatten);
        _layers = [.. kinds.Zip(network.Layers, ExampleGradients.Create)];
        var bytes = (2L * sizeof(float) * network.Layers.Sum(layer => (long)layer.OutputSize)) + _layers.Sum(layer => layer?.BytesPerExample ?? 0);
        _part = (int)Math.Clamp(PartBytes / bytes, SmallestPart, LargestPart);
        _sums = new double[network.Model.ParameterCount];
        _noise = new double[Math.Min(NoiseLength, (_sums.Length + 7) / 8 * 8)];
        _squaredNorms = new double[_part];
        _weights = new double[_part];
    }

    /// <summary>Makes room for the batches of a job.</summary>
    /// <param name="count">Rows of the job.</param>
    /// <param name="units">The rows by privacy unit; null where each row is a unit of its own.</param>
    public void Reserve(int count, PrivacyUnits? units)
    {
        _network.Reserve(Math.Min(_part, count), backward: true);
        foreach (var layer in _layers)
        {
            layer?.Reserve(Math.Min(_part, count));
        }

        Array.Resize(ref _chosen, Math.Max(_chosen.Length, count));
        if (units is not null)
        {
            _unitBatch.Reserve(count);
            _unitGradient ??= new UnitGradient(_network, _layers, _part);
        }
    }

    /// <summary>(Σ clip_C(gᵤ) + N(0, (zC)²)) / (q·n) over a fresh batch of privacy units, with gᵤ the mean over the rows of unit u.</summary>
    /// <param name="parameters">Shape [P].</param>
    /// <param name="examples">The job's.</param>
    /// <param name="units">Those that were reserved for.</param>
    /// <param name="loss">ℓ, of each row by itself.</param>
    /// <param name="settings">Checked.</param>
    /// <param name="gradients">Overwritten, shape [P].</param>
    public void Compute(
        ReadOnlySpan<float> parameters, Examples examples, PrivacyUnits? units, LossKind loss, PrivateTraining settings, Span<float> gradients)
    {
        _sums.AsSpan().Clear();
        try
        {
            var drawn = settings.DrawBatch(units?.Count ?? examples.Count, settings.SamplingRate, _chosen);
            var size = units is null ? drawn : _unitBatch.Fill(units, _chosen.AsSpan(0, drawn));
            var parts = (size + _part - 1) / _part;
            for (var part = 0; part < parts; part++)
            {
                var (start, end) = ((int)((long)part * size / parts), (int)(((long)part + 1) * size / parts));
                var batch = units is null ? _chosen.AsSpan(start..end) : _unitBatch.Rows(start, end);
                AddClipped(parameters, examples, batch, units is null ? [] : _unitBatch.Places(start, end), loss, settings.ClipNorm);
            }

            Release(settings, gradients);
        }
        finally
        {
            _sums.AsSpan().Clear();
            _noise.AsSpan().Clear();
            _squaredNorms.AsSpan().Clear();
            _weights.AsSpan().Clear();
            _chosen.AsSpan().Clear();
            _unitBatch.Clear();
            _unitGradient?.Clear();
        }
    }

    /// <summary>Adds Σ clip_C(gᵤ) over a part of the batch. A unit that goes on in the next part is added there.</summary>
    /// <param name="places">Of the rows of <paramref name="batch"/> in their units; empty where each row is a unit of its own.</param>
    private void AddClipped(
        ReadOnlySpan<float> parameters, Examples examples, ReadOnlySpan<int> batch, ReadOnlySpan<(int Size, int Place)> places, LossKind loss, double clipNorm)
    {
        var (inputSize, outputs) = (_network.Model.InputSize, _network.Model.Outputs);
        var inputs = _network.Inputs(batch.Length);
        for (var i = 0; i < batch.Length; i++)
        {
            examples.Input(batch[i]).CopyTo(inputs[(i * inputSize)..]);
        }

        var values = _network.Forward(parameters, batch.Length);
        var outputGradients = _network.OutputGradients(batch.Length);
        for (var i = 0; i < batch.Length; i++)
        {
            // The loss itself is not looked at, let alone summed.
            Loss.OfExample(loss, values.Slice(i * outputs, outputs), examples, batch[i], outputGradients.Slice(i * outputs, outputs));
        }

        _network.BackwardToValues(parameters, batch.Length);
        var squaredNorms = _squaredNorms.AsSpan(0, batch.Length);
        squaredNorms.Clear();
        for (var i = 0; i < _layers.Length; i++)
        {
            _layers[i]?.AddSquaredNorms(_network.LayerInputs(i, batch.Length), _network.LayerOutputGradients(i, batch.Length), squaredNorms);
        }

        var weights = _weights.AsSpan(0, batch.Length);
        for (var i = 0; i < batch.Length; i++)
        {
            weights[i] = places.IsEmpty || places[i].Size == 1 ? Weight(squaredNorms[i], 1, clipNorm) : 0;
        }

        for (var i = 0; i < _layers.Length; i++)
        {
            var layer = _network.Layers[i];
            var sums = _sums.AsSpan(layer.ParameterOffset, layer.ParameterCount);
            _layers[i]?.AddWeighted(0, _network.LayerInputs(i, batch.Length), _network.LayerOutputGradients(i, batch.Length), weights, sums);
        }

        AddUnits(places, clipNorm);
    }

    /// <summary>Adds the units of several rows in a part of the batch, after its norms were taken.</summary>
    private void AddUnits(ReadOnlySpan<(int Size, int Place)> places, double clipNorm)
    {
        var first = 0;
        while (first < places.Length)
        {
            var (size, place) = places[first];
            var count = Math.Min(size - place, places.Length - first);
            if (size > 1)
            {
                _unitGradient!.Add(first, count, places.Length);
                if (place + count == size)
                {
                    _unitGradient.Release(size, clipNorm, _sums);
                }
            }

            first += count;
        }
    }

    /// <summary>
    /// What each row of a unit weighs so that their mean g is scaled by min(1, C(1 − 2⁻²⁰)/‖g‖). A gradient that is not finite counts for nothing: to refuse
    /// the batch would tell that the unit is in it.
    /// </summary>
    /// <param name="squaredNorm">Of the sum of the rows' gradients.</param>
    /// <param name="rows">Rows of the unit.</param>
    /// <param name="clipNorm">C.</param>
    internal static double Weight(double squaredNorm, int rows, double clipNorm)
    {
        var (norm, bound) = (Math.Sqrt(squaredNorm), clipNorm * PrivateTraining.ClipMargin);
        return !double.IsFinite(norm) ? 0 : norm > rows * bound ? bound / norm : 1.0 / rows;
    }

    /// <summary>Noise in double on sums in double, divided by q·n and rounded to float once.</summary>
    private void Release(PrivateTraining settings, Span<float> gradients)
    {
        var divisor = settings.SamplingRate * settings.DeclaredExamples;
        for (var start = 0; start < _sums.Length; start += _noise.Length)
        {
            var sums = _sums.AsSpan(start, Math.Min(_noise.Length, _sums.Length - start));
            var noise = _noise.AsSpan(0, sums.Length);
            settings.FillNoise(noise, settings.NoiseMultiplier * settings.ClipNorm);
            var to = gradients.Slice(start, sums.Length);
            var blocks = MemoryMarshal.Cast<float, Vector256<float>>(to);
            var exact = MemoryMarshal.Cast<double, Vector512<double>>(sums);
            var drawn = MemoryMarshal.Cast<double, Vector512<double>>(noise);
            for (var i = 0; i < blocks.Length; i++)
            {
                var mean = (exact[i] + drawn[i]) / Vector512.Create(divisor);
                blocks[i] = Vector256.Narrow(mean.GetLower(), mean.GetUpper());
            }

            for (var i = blocks.Length * Vector256<float>.Count; i < to.Length; i++)
            {
                to[i] = (float)((sums[i] + noise[i]) / divisor);
            }
        }
    }
}
