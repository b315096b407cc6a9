namespace FlEvents.Learning.Losses;

/// <summary>The square of the error, averaged over the outputs of an example (and, in training, over the batch).</summary>
public static class MeanSquaredError
{
    /// <summary>Σ (oᵢ − tᵢ)² / n of one example.</summary>
    /// <param name="outputs">Shape [n].</param>
    /// <param name="targets">Shape [n], scaled as the outputs are.</param>
    /// <param name="gradient">Receives 2 (oᵢ − tᵢ) / n, shape [n].</param>
    public static double OfExample(ReadOnlySpan<float> outputs, ReadOnlySpan<float> targets, Span<float> gradient)
    {
        var sum = 0.0;
        for (var i = 0; i < outputs.Length; i++)
        {
            var error = (double)outputs[i] - targets[i];
            gradient[i] = (float)(2 * error / outputs.Length);
            sum += error * error;
        }

        return sum / outputs.Length;
    }
}
