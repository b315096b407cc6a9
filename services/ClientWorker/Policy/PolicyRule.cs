using FlEvents.ClientWorker.Training;

namespace FlEvents.ClientWorker.Policy;

/// <summary>The owner's rules by name: in refusals, in the worker's own record and as a label of its metrics. A fixed set.</summary>
public static class PolicyRule
{
    public const string Runs = "runs";
    public const string Models = "models";
    public const string Strategies = "strategies";
    public const string Modes = "modes";
    public const string Noise = "noise";
    public const string PerRound = "per_round";
    public const string InAll = "in_all";
    public const string Hours = "hours";
    public const string BytesSent = "bytes_sent";
    public const string BytesReceived = "bytes_received";
    public const string Evaluation = "evaluation";

    /// <summary>The policy's file can't be read as it is now: nothing is allowed until it can.</summary>
    public const string File = "policy_file";

    /// <summary>The books lack what left since a backup, so nothing can be counted against a limit.</summary>
    public const string Restored = "restored";

    public static IReadOnlyList<string> All { get; } =
        [Runs, Models, Strategies, Modes, Noise, PerRound, InAll, Hours, BytesSent, BytesReceived, Evaluation, File, Restored];

    /// <summary>A veto by one of the rules.</summary>
    /// <param name="detail">A sentence that names the value and what was expected, and nothing of the data.</param>
    public static TaskEnd Broken(string rule, string detail) => new(RefusalCode.OwnerPolicy, $"Rule {rule}: {detail}", rule);
}
