using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace FlEvents.Contracts;

/// <summary>How the global model is scored.</summary>
public record EvaluationSpec
{
    [Description("Held-out data set at the Aggregator; its columns and scaling are those of the run's data."), RegularExpression("[a-z0-9-]{1,64}")]
    public string? DataSet { get; init; }

    [Description("Score after every so many rounds, and after the last."), Range(1, 100000)]
    public int EveryRounds { get; init; } = 1;

    [Description("Clients score the model on their validation data and send counts and sums. Off in a private run.")]
    public bool Federated { get; init; }

    [Description("Longest a federated evaluation waits for its clients, in seconds."), Range(0.1, 86400.0)]
    public double DeadlineSeconds { get; init; } = 60;
}
