using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Losses;

/// <summary>−ln softmax(outputs)[class], from outputs less their maximum, so that none overflows.</summary>
public static class SoftmaxCrossEntropy
{
    /// <summary>The loss of one example in nats.</summary>
    /// <param name="outputs">Logits, shape [classes].</param>
    /// <param name="label">The right class, in [0, classes).</param>
    /// <param name="gradient">Receives softmax(outputs) − onehot(label), shape [classes].</param>
    public static double OfExample(ReadOnlySpan<float> outputs, int label, Span<float> gradient)
    {
        var largest = outputs[0];
        foreach (var output in outputs)
        {
            largest = output > largest ? output : largest;
        }

        for (var i = 0; i < outputs.Length; i++)
        {
            gradient[i] = outputs[i] - largest;
        }

        var margin = (double)gradient[label];
        Transcendentals.Exp(gradient);
        var sum = Reductions.Sum(gradient);
        foreach (ref var value in gradient)
        {
            value = (float)(value / sum);
        }

        gradient[label] -= 1f;
        return Transcendentals.Log(sum) - margin;
    }
}
