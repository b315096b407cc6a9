using System.Diagnostics;
using FlEvents.ServiceDefaults.Metrics;

namespace FlEvents.ServiceDefaults.Storage;

/// <content>What waits for the writer.</content>
public partial class Database
{
    private abstract record Work(bool Synced, string Operation, CancellationToken CancellationToken)
    {
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
