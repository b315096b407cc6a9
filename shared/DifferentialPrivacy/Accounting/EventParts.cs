namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>One single-step event and how often it happened.</summary>
public readonly record struct EventPart(PrivacyEvent Event, long Count);

/// <summary>Takes an event apart into single steps.</summary>
public static class EventParts
{
    /// <summary>
    /// The single-step events an event is made of, equal ones counted together, in the order of their text: so that the order of a composition
    /// changes no bit of a result.
    /// </summary>
    /// <exception cref="OverflowException">More than 2⁶³ − 1 of one event.</exception>
    /// <exception cref="ArgumentException">Some events hold for replace-one and others for zero-out only: for no neighbours is there a sum.</exception>
    public static IReadOnlyList<EventPart> Of(PrivacyEvent composed)
    {
        var counts = new Dictionary<PrivacyEvent, long>();
        Collect(composed, 1, counts);
        if (counts.Keys.FirstOrDefault(HoldsForReplaceOneOnly) is { } replaced && counts.Keys.FirstOrDefault(HoldsForZeroOutOnly) is { } zeroed)
        {
            throw new ArgumentException(
                $"{PrivacyEventText.Write(replaced)} holds for replace-one and {PrivacyEventText.Write(zeroed)} for zero-out, expected events for one kind of neighbours.",
                nameof(composed));
        }

        return counts.Count == 1
            ? [.. counts.Select(part => new EventPart(part.Key, part.Value))]
            : [.. counts.OrderBy(part => PrivacyEventText.Write(part.Key), StringComparer.Ordinal).Select(part => new EventPart(part.Key, part.Value))];
    }

    private static bool HoldsForReplaceOneOnly(PrivacyEvent step) => step is FixedSizeGaussianEvent;

    private static bool HoldsForZeroOutOnly(PrivacyEvent step) => step is SubsampledGaussianEvent or TruncatedSubsampledGaussianEvent or TreeGaussianEvent;

    private static void Collect(PrivacyEvent composed, long times, Dictionary<PrivacyEvent, long> counts)
    {
        switch (composed)
        {
            case RepeatedEvent repeated:
                Collect(repeated.Event, checked(times * repeated.Count), counts);
                return;
            case EventSequence sequence:
                foreach (var part in sequence.Events)
                {
                    Collect(part, times, counts);
                }

                return;
        }

        var (step, steps) = SingleStep(composed);
        if (step is not null)
        {
            counts[step] = checked(counts.GetValueOrDefault(step) + (times * steps));
        }
    }

    /// <summary>The step, or null where it tells nothing, and how many of it.</summary>
    private static (PrivacyEvent? Step, long Steps) SingleStep(PrivacyEvent part) => part switch
    {
        SubsampledGaussianEvent { SamplingRate: 0 } or FixedSizeGaussianEvent { SampleSize: 0 } or TruncatedSubsampledGaussianEvent { SamplingRate: 0 } =>
            (null, 0),
        SubsampledGaussianEvent { SamplingRate: 1 } all => (new GaussianEvent(all.NoiseMultiplier), all.Steps),
        SubsampledGaussianEvent sampled => (new SubsampledGaussianEvent(sampled.SamplingRate, sampled.NoiseMultiplier), sampled.Steps),
        FixedSizeGaussianEvent all when all.SampleSize == all.DatasetSize => (new GaussianEvent(all.NoiseMultiplier), all.Steps),
        FixedSizeGaussianEvent sampled => (new FixedSizeGaussianEvent(sampled.DatasetSize, sampled.SampleSize, sampled.NoiseMultiplier), sampled.Steps),
        TruncatedSubsampledGaussianEvent cut =>
            (new TruncatedSubsampledGaussianEvent(cut.DatasetSize, cut.SamplingRate, cut.LargestBatch, cut.NoiseMultiplier), cut.Steps),
        TreeGaussianEvent tree => (new TreeGaussianEvent(tree.NoiseMultiplier, tree.StepsPerTree), tree.Trees),
        _ => (part, 1),
    };
}
