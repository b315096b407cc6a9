using System.Diagnostics;
using System.Runtime.CompilerServices;
using FlEvents.ServiceDefaults.Metrics;

namespace FlEvents.ServiceDefaults.Storage;

/// <content>What waits for the writer.</content>
public partial class Database
{
    /// <summary>Like <see cref="WriteAsync{T}(Func{Transaction, T}, CancellationToken, string)"/> for somebody who would rather be told that the disk does not take it than wait.</summary>
    /// <exception cref="IOException">The database cannot write now; nothing was written.</exception>
    public Task<T> WriteOrFailAsync<T>(Func<Transaction, T> work, CancellationToken cancellationToken, [CallerMemberName] string operation = "")
    {
        var item = new Work<T>(work, Synced: true, operation, cancellationToken) { IsImpatient = true };
        if (Fault is { } fault)
        {
            item.Fail(CannotWrite(fault));
        }
        else
        {
            Enqueue(item);
        }

        return item.Completion.Task;
    }

    // Also what has come since: it must not wait behind work that is tried again until the disk has room.
    private void FailImpatient(List<Work> batch, string fault)
    {
        while (_queue.TryTake(out var next))
        {
            batch.Add(next);
        }

        batch.FindAll(item => item.IsImpatient).ForEach(item => item.Fail(CannotWrite(fault)));
        batch.RemoveAll(item => item.IsImpatient);
    }

    private IOException CannotWrite(string fault) => new($"The {Name} database cannot write: {fault}");

    private abstract record Work(bool Synced, string Operation, CancellationToken CancellationToken)
    {
        /// <summary>Whether it fails at the first fault of the disk.</summary>
        public bool IsImpatient { get; init; }

        /// <summary>What the last run came to; null for success.</summary>
        public Exception? Outcome { get; set; }

        /// <summary>What the caller was doing, in a trace; null while nobody traces.</summary>
        public ActivityContext? Cause { get; } = RoundTrace.Current;

        public abstract void Run(Transaction transaction);
        public abstract void Fail(Exception exception);

        /// <summary>Answers whoever waits, with the outcome.</summary>
        public void Settle()
        {
            if (Outcome is null)
            {
                Succeed();
            }
            else
            {
                Fail(Outcome);
            }
        }

        protected abstract void Succeed();
    }

    private sealed record Work<T>(Func<Transaction, T> Body, bool Synced, string Operation, CancellationToken CancellationToken)
        : Work(Synced, Operation, CancellationToken)
    {
        private T? _result;

        public TaskCompletionSource<T> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void Run(Transaction transaction) => _result = Body(transaction);

        protected override void Succeed() => Completion.TrySetResult(_result!);

        public override void Fail(Exception exception) => Completion.TrySetException(exception);
    }
}
