namespace FlEvents.Bench.Engine;

/// <summary>The same training step as plain loops, one value at a time: what the engine's own code is compared with.</summary>
/// <remarks>An MLP with one hidden layer, ReLU, softmax cross-entropy and SGD; weights [outputs, inputs].</remarks>
public sealed class PlainMlp(int inputs, int hidden, int outputs)
{
    private readonly float[] _w1 = Filled(hidden * inputs);
    private readonly float[] _b1 = new float[hidden];
    private readonly float[] _w2 = Filled(outputs * hidden);
    private readonly float[] _b2 = new float[outputs];

    /// <summary>C = A·Bᵀ, shapes [m, k], [n, k] and [m, n].</summary>
    public static void MultiplyRightTransposed(float[] a, float[] b, float[] c, int m, int n, int k)
    {
        for (var i = 0; i < m; i++)
        {
            for (var j = 0; j < n; j++)
            {
                var sum = 0f;
                for (var p = 0; p < k; p++)
                {
                    sum += a[(i * k) + p] * b[(j * k) + p];
                }

                c[(i * n) + j] = sum;
            }
        }
    }

    /// <summary>One step of SGD on the mean loss of a batch.</summary>
    /// <param name="x">Shape [batch, inputs].</param>
    /// <param name="labels">Shape [batch].</param>
    public void Step(float[] x, int[] labels, float learningRate)
    {
        var batch = labels.Length;
        var h = new float[batch * hidden];
        var z = new float[batch * outputs];
        MultiplyRightTransposed(x, _w1, h, batch, hidden, inputs);
        for (var i = 0; i < h.Length; i++)
        {
            h[i] = Math.Max(0, h[i] + _b1[i % hidden]);
        }

        MultiplyRightTransposed(h, _w2, z, batch, outputs, hidden);
        for (var i = 0; i < batch; i++)
        {
            OutputGradient(z.AsSpan(i * outputs, outputs), labels[i], batch);
        }

        var dh = new float[batch * hidden];
        for (var i = 0; i < batch; i++)
        {
            for (var o = 0; o < outputs; o++)
            {
                for (var j = 0; j < hidden; j++)
                {
                    dh[(i * hidden) + j] += h[(i * hidden) + j] > 0 ? z[(i * outputs) + o] * _w2[(o * hidden) + j] : 0;
                }
            }
        }

        Descend(_w2, _b2, z, h, batch, outputs, hidden, learningRate);
        Descend(_w1, _b1, dh, x, batch, hidden, inputs, learningRate);
    }

    private void OutputGradient(Span<float> logits, int label, int batch)
    {
        var sum = 0f;
        var largest = float.NegativeInfinity;
        for (var o = 0; o < outputs; o++)
        {
            logits[o] += _b2[o];
            largest = Math.Max(largest, logits[o]);
        }

        for (var o = 0; o < outputs; o++)
        {
            logits[o] = (float)Math.Exp(logits[o] - largest);
            sum += logits[o];
        }

        for (var o = 0; o < outputs; o++)
        {
            logits[o] = ((logits[o] / sum) - (o == label ? 1 : 0)) / batch;
        }
    }

    private static void Descend(float[] w, float[] b, float[] gradient, float[] values, int batch, int rows, int columns, float learningRate)
    {
        for (var i = 0; i < batch; i++)
        {
            for (var row = 0; row < rows; row++)
            {
                var scaled = learningRate * gradient[(i * rows) + row];
                b[row] -= scaled;
                for (var column = 0; column < columns; column++)
                {
                    w[(row * columns) + column] -= scaled * values[(i * columns) + column];
                }
            }
        }
    }

    private static float[] Filled(int length) => [.. Enumerable.Range(0, length).Select(i => ((i * 37 % 101) - 50) / 1000f)];
}
