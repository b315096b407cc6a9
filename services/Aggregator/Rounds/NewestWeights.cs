namespace FlEvents.Aggregator.Rounds;

/// <summary>The newest weights of each run, so that a round need not read what the one before it has just made; no more of them than a bound, whatever runs there are.</summary>
/// <param name="largestBytes">Most bytes kept. Runs that were remembered longest ago go first; weights that are larger alone are not kept.</param>
public sealed class NewestWeights(long largestBytes)
{
    private readonly Lock _lock = new();

    // The newest last; few, since they are bounded and large.
    private readonly List<(Guid RunId, string Sha256, float[] Weights)> _kept = [];
    private long _bytes;

    /// <summary>How much is kept.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Weights of a model, shape [P], not to be changed; null where they are not kept.</summary>
    public float[]? Find(Guid runId, string sha256)
    {
        lock (_lock)
        {
            return _kept.Find(kept => kept.RunId == runId && kept.Sha256 == sha256).Weights;
        }
    }

    /// <summary>Keeps the weights that a run's next round will start from, in place of its older ones.</summary>
    public void Remember(Guid runId, string sha256, float[] weights)
    {
        lock (_lock)
        {
            Forget(runId);
            if (BytesOf(weights) > largestBytes)
            {
                return;
            }

            while (_bytes + BytesOf(weights) > largestBytes)
            {
                Forget(_kept[0].RunId);
            }

            _kept.Add((runId, sha256, weights));
            _bytes += BytesOf(weights);
        }
    }

    public void Forget(Guid runId)
    {
        lock (_lock)
        {
            if (_kept.FindIndex(kept => kept.RunId == runId) is >= 0 and var at)
            {
                _bytes -= BytesOf(_kept[at].Weights);
                _kept.RemoveAt(at);
            }
        }
    }

    private static long BytesOf(float[] weights) => (long)weights.Length * sizeof(float);
}
