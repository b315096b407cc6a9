using System.Runtime.Intrinsics;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Losses;

/// <summary>Cross-entropy of a binary label and the sigmoid of one output.</summary>
public static class BinaryCrossEntropy
{
    /// <summary>max(z, 0) − z·y + ln(1 + e^−|z|) in nats, which neither overflows nor loses a small loss.</summary>
    /// <param name="output">Logit z.</param>
    /// <param name="label">Class y, 0 or 1.</param>
    /// <param name="gradient">σ(z) − y.</param>
    public static double OfExample(float output, int label, out float gradient)
    {
        var e = (double)Transcendentals.Exp(Vector256.Create(-Math.Abs(output))).ToScalar();
        gradient = (float)(((output >= 0 ? 1 : e) / (1 + e)) - label);
        return Math.Max(output, 0) - ((double)output * label) + Transcendentals.Log(1 + e);
    }
}
