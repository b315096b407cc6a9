using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Aggregator.Strategies;

/// <summary>One admitted update, read a slice at a time.</summary>
/// <param name="Weight">Training examples n_k, at least 1; less for an update that was late.</param>
/// <param name="ReadSlice">Fills a span with Δ from a parameter's index on; called from several threads.</param>
public record WeightedUpdate(double Weight, UpdateSliceReader ReadSlice)
{
    /// <summary>n_k / √(1 + s), s rounds late (Nguyen et al. 2022, FedBuff, arXiv:2106.06639, section 5). A root and a quotient are the same bits on every processor.</summary>
    public static double WeightOf(int examples, int roundsLate) => examples / Math.Sqrt(1 + roundsLate);
}

/// <param name="from">First parameter, from 0.</param>
/// <param name="values">Filled with as many parameters as it holds.</param>
public delegate void UpdateSliceReader(int from, Span<float> values);

/// <summary>Federated averaging: w ← w + Σ n_k Δ_k / Σ n_k (McMahan et al. 2017, arXiv:1602.05629, algorithm 1, in terms of Δ_k = w_k − w).</summary>
public static class FedAvg
{
    /// <summary>Parameters a thread combines at a time: 1.5 MB of sums and values.</summary>
    private const int SliceLength = 1 << 17;

    /// <summary>The next global model.</summary>
    /// <param name="globalWeights">w, shape [P].</param>
    /// <param name="updates">In client-id order, at least one: the order of every sum. Not the order they came in.</param>
    /// <param name="threads">At least 1. Slices are shared among them, sums are not, so that it does not change a bit.</param>
    /// <returns>Shape [P]; each value summed in double in the order of the updates, rounded to float once.</returns>
    /// <remarks>Memory is O(slice × threads), whatever the number of updates. A reader's exception comes as it was thrown.</remarks>
    public static float[] Combine(float[] globalWeights, IReadOnlyList<WeightedUpdate> updates, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfZero(updates.Count);
        var total = updates.Sum(update => update.Weight);
        var result = new float[globalWeights.Length];
        var slices = (globalWeights.Length + SliceLength - 1) / SliceLength;
        if (slices == 1 || threads == 1)
        {
            for (var slice = 0; slice < slices; slice++)
            {
                CombineSlice(globalWeights, updates, total, slice * SliceLength, result);
            }

            return result;
        }

        try
        {
            Parallel.For(0, slices, new ParallelOptions { MaxDegreeOfParallelism = threads }, slice =>
                CombineSlice(globalWeights, updates, total, slice * SliceLength, result));
        }
        catch (AggregateException e)
        {
            // A reader's fault is the same to the caller, however many threads there are.
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        return result;
    }

    private static void CombineSlice(float[] globalWeights, IReadOnlyList<WeightedUpdate> updates, double total, int from, float[] result)
    {
        var length = Math.Min(SliceLength, globalWeights.Length - from);
        var sums = new double[length];
        var values = new float[length];
        foreach (var update in updates)
        {
            update.ReadSlice(from, values);
            AddScaled(sums, values, update.Weight);
        }

        for (var i = 0; i < length; i++)
        {
            result[from + i] = (float)(globalWeights[from + i] + (sums[i] / total));
        }
    }

    // A product and a sum, each rounded: no fused operation, which only some processors have. Lanes are different parameters.
    private static void AddScaled(Span<double> sums, ReadOnlySpan<float> values, double weight)
    {
        ref var sum = ref MemoryMarshal.GetReference(sums);
        ref var value = ref MemoryMarshal.GetReference(values);
        var weights = Vector256.Create(weight);
        var i = 0;
        for (; i <= values.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref value, (nuint)i));
            (Vector256.LoadUnsafe(ref sum, (nuint)i) + (low * weights)).StoreUnsafe(ref sum, (nuint)i);
            (Vector256.LoadUnsafe(ref sum, (nuint)i + 4) + (high * weights)).StoreUnsafe(ref sum, (nuint)i + 4);
        }

        for (; i < values.Length; i++)
        {
            sums[i] += values[i] * weight;
        }
    }
}
