using FlEvents.Contracts;
using FlEvents.Learning.Data;

namespace FlEvents.ClientWorker.Data;

/// <summary>A client's examples for training and those kept for validation; the same in every round of a run.</summary>
public static class ClientSplit
{
    /// <summary>At least one example.</summary>
    public static Examples Training(Examples examples, TrainingSpec training, long seed, string clientId) =>
        examples.Select(ValidationSplit.Split(examples, training.ValidationFraction, seed, clientId).Training);

    /// <summary>May be empty.</summary>
    public static Examples Validation(Examples examples, TrainingSpec training, long seed, string clientId) =>
        examples.Select(ValidationSplit.Split(examples, training.ValidationFraction, seed, clientId).Validation);
}
