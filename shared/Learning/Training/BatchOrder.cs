using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Training;

/// <summary>Which examples make up each batch: every epoch a fresh shuffle of 0 … n − 1, cut into consecutive batches, the last one shorter.</summary>
public static class BatchOrder
{
    /// <summary>Draws the order of the next epoch.</summary>
    /// <param name="order">Overwritten with a permutation of 0 … n − 1.</param>
    /// <param name="random">The job's stream.</param>
    public static void Draw(Span<int> order, SeededRandom random)
    {
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        random.Shuffle(order);
    }

    /// <summary>All batches of a job in order, for a reference that is to train on the same ones.</summary>
    /// <param name="count">Examples n.</param>
    /// <param name="batchSize">At least 1.</param>
    /// <param name="epochs">Passes over the examples.</param>
    /// <param name="random">The job's stream.</param>
    public static IEnumerable<int[]> Batches(int count, int batchSize, int epochs, SeededRandom random)
    {
        var order = new int[count];
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            Draw(order, random);
            foreach (var batch in order.Chunk(batchSize))
            {
                yield return batch;
            }
        }
    }
}
