using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>
/// Tries again what a full, busy or failing disk keeps from being done, until the host stops: thrown by a consumer, such a fault would put its
/// message aside after one attempt.
/// </summary>
public sealed partial class Patience(TimeProvider time, ILogger<Patience> log)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <param name="what">What is tried, for the log: e.g. <c>read update 12ab…</c>.</param>
    /// <param name="work">May run more than once.</param>
    public async Task<T> RunAsync<T>(string what, Func<T> work, CancellationToken cancellationToken)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return work();
            }
            catch (Exception e) when (SqliteFaults.IsTransient(e))
            {
                LogFault(what, e.Message, pause);
            }

            await Task.Delay(pause, time, cancellationToken);
        }
    }

    /// <inheritdoc cref="RunAsync{T}(string, Func{T}, CancellationToken)"/>
    public Task RunAsync(string what, Action work, CancellationToken cancellationToken) => RunAsync(
        what,
        () =>
        {
            work();
            return true;
        },
        cancellationToken);

    [LoggerMessage(LogLevel.Warning, "Could not {what}: {fault} Trying again in {pause}.")]
    private partial void LogFault(string what, string fault, TimeSpan pause);
}
