using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Training;

/// <summary>Tries what may fail for a while, such as a network or a full disk, again and again until the deadline.</summary>
public sealed partial class Patience(TimeProvider time, ILogger<Patience> log)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <param name="what">What is tried, for the log and the message: e.g. <c>upload</c>.</param>
    /// <exception cref="TimeoutException">It did not succeed before the deadline.</exception>
    public async Task<T> RunAsync<T>(string what, Errand errand, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Remaining(errand), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        var last = "it was still under way";
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await attempt(either.Token);
            }
            catch (Exception e) when (IsTransient(e, either.Token))
            {
                last = e.Message;
                LogFailed(what, errand.RunId, errand.Round, errand.ClientId, e.Message, pause);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw Late(what, errand, last);
            }

            try
            {
                await Task.Delay(pause, time, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw Late(what, errand, last);
            }
        }
    }

    // A request that timed out by itself is cancelled too.
    private static bool IsTransient(Exception e, CancellationToken cancellationToken) =>
        e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private static TimeoutException Late(string what, Errand errand, string last) =>
        new($"The {what} did not succeed before the deadline {errand.DeadlineAt:O}; last: {last}");

    // A timer takes at most 49 days, a deadline at most 30.
    private TimeSpan Remaining(Errand errand)
    {
        var remaining = errand.DeadlineAt - time.GetUtcNow();
        return remaining <= TimeSpan.Zero ? TimeSpan.Zero : remaining < TimeSpan.FromDays(40) ? remaining : TimeSpan.FromDays(40);
    }

    [LoggerMessage(LogLevel.Warning, "The {what} for run {runId}, round {round}, client {clientId} failed: {fault} Trying again in {pause}.")]
    private partial void LogFailed(string what, Guid runId, int round, string clientId, string fault, TimeSpan pause);
}

/// <summary>For whom something is done, and until when it is of use.</summary>
/// <param name="Round">The round, or the version of an evaluated model.</param>
public sealed record Errand(Guid RunId, int Round, string ClientId, DateTimeOffset DeadlineAt)
{
    public static Errand Of(TrainClient command) => new(command.RunId, command.Round, command.ClientId, command.DeadlineAt);

    public static Errand Of(EvaluateModel command) => new(command.RunId, command.Version, command.ClientId, command.DeadlineAt);
}
