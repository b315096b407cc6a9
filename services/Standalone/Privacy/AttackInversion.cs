namespace FlEvents.Standalone.Privacy;

/// <summary>Rebuilds an input from the gradient of the linear layer that it entered.</summary>
/// <remarks>
/// For one example with input x the weight's gradient is g·xᵀ and the bias's g, so each row of the one over its element of the other is x (Phong et al. 2018,
/// doi:10.1109/TIFS.2017.2787987, section III). An update of one step of plain SGD is the gradient times a constant, which cancels.
/// </remarks>
public static class AttackInversion
{
    /// <summary>Rows that are used: those with the largest bias gradients, on which noise weighs least.</summary>
    private const int Rows = 8;

    /// <summary>x̂ = Σ bᵢWᵢ / Σ bᵢ² over the rows with the largest |bᵢ|: the quotient Wᵢ/bᵢ where all agree, and the least squares where noise parts them.</summary>
    /// <param name="weights">W, the weight's part of an update, shape [outputs, inputs].</param>
    /// <param name="biases">b, the bias's part, shape [outputs].</param>
    /// <returns>Shape [inputs]; zeros where all of b is 0, and nothing can be told.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static double[] Rebuild(ReadOnlySpan<float> weights, ReadOnlySpan<float> biases)
    {
        if (biases.Length == 0 || weights.Length == 0 || weights.Length % biases.Length != 0)
        {
            throw new ArgumentException($"{weights.Length} weights and {biases.Length} biases; expected a whole number of weights for each bias.", nameof(weights));
        }

        var (inputs, sum) = (weights.Length / biases.Length, 0.0);
        var rebuilt = new double[inputs];
        var magnitudes = biases.ToArray();
        foreach (var row in Enumerable.Range(0, magnitudes.Length).OrderByDescending(row => Math.Abs(magnitudes[row])).Take(Rows))
        {
            sum += (double)magnitudes[row] * magnitudes[row];
            for (var i = 0; i < inputs; i++)
            {
                rebuilt[i] += (double)magnitudes[row] * weights[(row * inputs) + i];
            }
        }

        return sum == 0 ? rebuilt : Array.ConvertAll(rebuilt, value => value / sum);
    }

    /// <summary>Peak signal-to-noise ratio 10·log₁₀(1/mean squared error) in dB, for pixels in [0, 1]; +∞ for equal pictures.</summary>
    /// <param name="original">Shape [n].</param>
    /// <param name="picture">Shape [n].</param>
    public static double PeakSignalToNoise(ReadOnlySpan<double> original, ReadOnlySpan<double> picture)
    {
        var sum = 0.0;
        for (var i = 0; i < original.Length; i++)
        {
            sum += (original[i] - picture[i]) * (original[i] - picture[i]);
        }

        return 10 * Math.Log10(original.Length / sum);
    }
}
