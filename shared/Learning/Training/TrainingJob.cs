using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Training;

/// <summary>Local training of one client in one round.</summary>
public sealed record TrainingJob
{
    public required Model Model { get; init; }

    /// <summary>w_global, shape [P]; not changed.</summary>
    public required float[] GlobalWeights { get; init; }

    /// <summary>The client's training examples, at least one.</summary>
    public required Examples Examples { get; init; }

    public required TrainingSpec Training { get; init; }

    /// <summary>The stream from which each epoch's order is drawn, fresh for this job. Private training does not use it.</summary>
    public required SeededRandom BatchOrder { get; init; }

    /// <summary>DP-SGD, whose own rate and steps then take the place of the training's batch size and epochs; null for training without privacy.</summary>
    public PrivateTraining? Private { get; init; }
}

/// <summary>What local training gave. Weights that diverged are passed on as they are: the receiver checks that an update is finite.</summary>
/// <param name="Update">Δ = w_local − w_global, shape [P].</param>
/// <param name="MeanLoss">Mean over the examples of the last epoch, each with the weights its batch began with; null for private training, which tells
/// nothing of its examples.</param>
/// <param name="Steps">Optimizer steps taken.</param>
public sealed record TrainingResult(float[] Update, double? MeanLoss, int Steps);
