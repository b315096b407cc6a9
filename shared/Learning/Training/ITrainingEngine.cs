namespace FlEvents.Learning.Training;

/// <summary>Trains a client's model. The seam for an engine on other hardware or another library.</summary>
public interface ITrainingEngine
{
    /// <summary>Runs the job's epochs, or its private steps. Thread-safe: the slots of a worker share one engine.</summary>
    /// <exception cref="ArgumentException">The weights or examples do not fit the model, or the loss does not; or private training is not possible as
    /// set.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; asked between batches.</exception>
    TrainingResult Train(TrainingJob job, CancellationToken cancellation);
}
