using System.Collections.Concurrent;

namespace FlEvents.ClientWorker.Training;

/// <summary>Threads of their own for training and evaluation, one per slot, so that the thread pool stays free for consumers and timers.</summary>
public sealed class TrainingThreads : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly List<Thread> _threads;

    public TrainingThreads(int count)
    {
        _threads = Enumerable.Range(0, count).Select(i => new Thread(Loop) { IsBackground = true, Name = $"training-{i}" }).ToList();
        _threads.ForEach(thread => thread.Start());
    }

    /// <summary>Runs <paramref name="work"/> on one of the threads.</summary>
    public Task<T> RunAsync<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                completion.SetResult(work());
            }
            catch (OperationCanceledException e)
            {
                completion.SetCanceled(e.CancellationToken);
            }
            catch (Exception e)
            {
                completion.SetException(e);
            }
        });
        return completion.Task;
    }

    public void Dispose()
    {
        _work.CompleteAdding();
        _threads.ForEach(thread => thread.Join());
        _work.Dispose();
    }

    private void Loop()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }
}
