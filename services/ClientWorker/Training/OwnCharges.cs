using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.ClientWorker.Training;

/// <summary>What a task costs by the worker's own reckoning: from what it will itself clip and noise, not from what the server says it charges.</summary>
public static class OwnCharges
{
    /// <summary>One charge for each unit. Noise that the Aggregator promises to add is counted as promised: that mode trusts it.</summary>
    public static IReadOnlyList<PrivacyCharge> Of(TrainClient command)
    {
        var privacy = command.Privacy;

        // Noise is added to a clipped update alone: a multiplier without a norm to multiply adds none.
        var wholeUpdate = privacy is { ClipNorm: not null, NoiseMultiplier: { } z } ? (double?)(z / PrivacyPlan.ReplacedUpdate) : null;
        return
        [
            privacy?.DpSgd is { } task ? PrivacyPlan.DpSgd(task) : PrivacyPlan.Release(PrivacyUnit.Example, wholeUpdate) ?? Promised(command, PrivacyUnit.Example),
            PrivacyPlan.Release(PrivacyUnit.Client, wholeUpdate) ?? Promised(command, PrivacyUnit.Client),
        ];
    }

    // Clipped here, noised there. Without a clip no noise could be enough.
    private static PrivacyCharge Promised(TrainClient command, PrivacyUnit unit) =>
        command.Privacy?.ClipNorm is not null && command.Charges.FirstOrDefault(charge => charge.Unit == unit) is { Mechanism: PrivacyMechanism.Gaussian } charge
            ? charge
            : PrivacyPlan.Unbounded(unit);
}
