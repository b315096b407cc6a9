using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Training;

/// <summary>A lease on this process's own monotonic clock; no other machine's clock is compared.</summary>
/// <param name="LeaseNumber">Which issue of the task it belongs to.</param>
/// <param name="Lease">How long the task may go without a sign of life.</param>
/// <param name="RenewedAt">The last committed sign of life, as <see cref="TimeProvider.GetTimestamp"/>.</param>
public sealed record LeaseClock(int LeaseNumber, TimeSpan Lease, long RenewedAt)
{
    // Two signs of life in a row may be lost.
    private const int RenewalsPerLease = 3;

    /// <summary>A lease that begins now, with the acceptance of its task.</summary>
    public static LeaseClock StartOf(TrainClient command, TimeProvider time) => new(command.LeaseNumber, command.Lease, time.GetTimestamp());

    /// <summary>A lease an earlier process had: a sign of life is due at once.</summary>
    public static LeaseClock DueNow(TrainClient command, TimeProvider time)
    {
        var start = StartOf(command, time);
        return start with { RenewedAt = start.RenewedAt - (long)Math.Ceiling(command.Lease.TotalSeconds / RenewalsPerLease * time.TimestampFrequency) };
    }

    /// <summary>Time left until a sign of life is due; zero or less when it is.</summary>
    public TimeSpan UntilRenewal(TimeProvider time) => (Lease / RenewalsPerLease) - time.GetElapsedTime(RenewedAt);

    /// <summary>Whether a whole lease passed without a sign of life, so that the task may be another worker's by now.</summary>
    public bool IsLost(TimeProvider time) => time.GetElapsedTime(RenewedAt) >= Lease;

    /// <summary>What a task whose lease is lost is given up with.</summary>
    public TaskFailed Loss() => new(LeaseNumber, FormattableString.Invariant($"{Lease.TotalSeconds} s passed without a renewal."), InterruptionCode.LeaseLost);
}
