using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;

namespace FlEvents.ClientWorker.Updates;

/// <summary>
/// Finished updates on this worker's disk, from the end of training until they are announced. Two tasks may have the same bytes, so each blob
/// is kept until the last of them lets go.
/// </summary>
public sealed class UpdateFolder(BlobFolder blobs)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _holders = [];

    /// <summary>After a start: keeps what stored tasks name, one entry a task, and deletes the rest.</summary>
    public void Recover(IEnumerable<BlobRef> named)
    {
        lock (_lock)
        {
            blobs.DeleteStaged();
            foreach (var update in named)
            {
                _holders[update.Sha256] = _holders.GetValueOrDefault(update.Sha256) + 1;
            }

            foreach (var name in blobs.Names().Where(name => !_holders.ContainsKey(name)).ToList())
            {
                blobs.Delete(name);
            }
        }
    }

    /// <summary>Writes a task's update; it survives what the worker's durability promises once this returns.</summary>
    public BlobRef Keep(ReadOnlySpan<byte> bytes)
    {
        var staged = blobs.Stage(bytes);
        lock (_lock)
        {
            blobs.Publish(staged);
            _holders[staged.Ref.Sha256] = _holders.GetValueOrDefault(staged.Ref.Sha256) + 1;
        }

        return staged.Ref;
    }

    /// <summary>Reads an update and checks it against its name.</summary>
    /// <exception cref="BlobException">It is missing, or its bytes are not those of its name.</exception>
    public byte[] Read(BlobRef update) => blobs.Read(update, limit: update.SizeBytes);

    /// <summary>A task needs its update no longer.</summary>
    public void Release(BlobRef update)
    {
        lock (_lock)
        {
            var left = _holders.GetValueOrDefault(update.Sha256) - 1;
            if (left > 0)
            {
                _holders[update.Sha256] = left;
                return;
            }

            _holders.Remove(update.Sha256);
            blobs.Delete(update.Sha256);
        }
    }
}
