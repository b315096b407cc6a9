using FlEvents.Learning.Losses;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Training;

/// <summary>The engine made of this library's own layers, on the calling thread.</summary>
/// <remarks>
/// Given the job, the result is the same bit for bit on every machine. Workspaces are kept between jobs, so that many small jobs of one model do not
/// allocate theirs again and again.
/// </remarks>
public sealed class BuiltInEngine : ITrainingEngine
{
    private readonly Lock _lock = new();
    private readonly List<TrainingWorkspace> _idle = [];
    private readonly int _keep;

    /// <param name="keep">Most idle workspaces kept, at least 0; as many as there are training slots is enough.</param>
    public BuiltInEngine(int keep = 4)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(keep);
        _keep = keep;
    }

    public TrainingResult Train(TrainingJob job, CancellationToken cancellation)
    {
        Check(job);
        var workspace = Take(job.Model);
        try
        {
            return workspace.Train(job, cancellation);
        }
        finally
        {
            Return(workspace);
        }
    }

    private static void Check(TrainingJob job)
    {
        if (job.GlobalWeights.Length != job.Model.ParameterCount)
        {
            throw new ArgumentException($"{job.GlobalWeights.Length} weights do not fit a model of {job.Model.ParameterCount} parameters.", nameof(job));
        }

        if (job.Examples.Count == 0)
        {
            throw new ArgumentException("There are 0 training examples; expected at least 1.", nameof(job));
        }

        var training = job.Training;
        if (training.BatchSize < 1 || training.LocalEpochs < 1)
        {
            throw new ArgumentException(
                $"A batch size of {training.BatchSize} and {training.LocalEpochs} local epochs; expected at least 1 of each.", nameof(job));
        }

        Loss.Check(training.Loss, job.Model, job.Examples);
        job.Private?.Check(job.Model);
    }

    private TrainingWorkspace Take(Model model)
    {
        lock (_lock)
        {
            var index = _idle.FindLastIndex(workspace => workspace.Fits(model));
            if (index >= 0)
            {
                var workspace = _idle[index];
                _idle.RemoveAt(index);
                return workspace;
            }
        }

        return new TrainingWorkspace(model);
    }

    private void Return(TrainingWorkspace workspace)
    {
        lock (_lock)
        {
            _idle.Add(workspace);
            if (_idle.Count > _keep)
            {
                _idle.RemoveAt(0);
            }
        }
    }
}
