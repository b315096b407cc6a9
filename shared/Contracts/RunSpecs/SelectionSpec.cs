using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace FlEvents.Contracts;

/// <summary>How a round's cohort is drawn and when the round closes. Give a fraction or a count, not both; without either everyone takes part.</summary>
public record SelectionSpec
{
    [Description("Cohort as a share of the eligible clients, in (0, 1]."), Range(1e-9, 1.0)]
    public double? Fraction { get; init; }

    [Description("Cohort as a number of clients."), Range(1, 1000000)]
    public int? Count { get; init; }

    [Description("Clients that must be enrolled before the run starts, and fewest in a cohort."), Range(1, 1000000)]
    public int MinimumClients { get; init; } = 1;

    [Description("Additional clients selected against drop-outs, as a share of the cohort."), Range(0.0, 10.0)]
    public double OverSelection { get; init; }

    [Description("Fewest admitted updates a round is aggregated with."), Range(1, 1000000)]
    public int MinimumReports { get; init; } = 1;

    [Description("Longest a round stays open, in seconds."), Range(0.1, 2592000.0)]
    public double DeadlineSeconds { get; init; } = 600;

    [Description("How long an accepted task may go without a sign of life, in seconds."), Range(0.1, 86400.0)]
    public double LeaseSeconds { get; init; } = 60;

    [Description("Close as soon as the cohort before over-selection has reported; the admitted set then depends on timing.")]
    public bool CloseOnTarget { get; init; }

    [Description("Abandoned rounds in a row after which the run is given up."), Range(1, 1000)]
    public int MaximumAbandonedRounds { get; init; } = 3;
}
