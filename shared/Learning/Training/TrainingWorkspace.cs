using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Layers;
using FlEvents.Learning.Losses;
using FlEvents.Learning.Models;
using FlEvents.Learning.Optimizers;
using FlEvents.Learning.Private;

namespace FlEvents.Learning.Training;

/// <summary>Everything one training slot writes to while it trains; a step allocates nothing. For one thread at a time.</summary>
internal sealed class TrainingWorkspace(Model model)
{
    private readonly Network _network = new(model);
    private readonly float[] _weights = new float[model.ParameterCount];
    private readonly float[] _gradients = new float[model.ParameterCount];
    private float[] _first = [];
    private float[] _second = [];
    private int[] _order = [];
    private PrivateGradient? _private;

    /// <summary>Whether a job of this model can use the workspace.</summary>
    public bool Fits(Model other) => ReferenceEquals(other, model) || other.Signature == model.Signature;

    public TrainingResult Train(TrainingJob job, CancellationToken cancellation)
    {
        job.GlobalWeights.CopyTo(_weights, 0);
        ResetOptimizer(job.Training);
        return job.Private is { } settings ? TrainPrivately(job, settings, cancellation) : TrainInEpochs(job, cancellation);
    }

    private TrainingResult TrainInEpochs(TrainingJob job, CancellationToken cancellation)
    {
        var training = job.Training;
        var count = job.Examples.Count;
        var batchSize = Math.Min(training.BatchSize, count);
        _network.Reserve(batchSize, backward: true);
        Array.Resize(ref _order, Math.Max(_order.Length, count));
        var order = _order.AsSpan(0, count);
        var (steps, loss) = (0, 0.0);
        for (var epoch = 0; epoch < training.LocalEpochs; epoch++)
        {
            BatchOrder.Draw(order, job.BatchOrder);
            loss = 0;
            for (var start = 0; start < count; start += batchSize)
            {
                cancellation.ThrowIfCancellationRequested();
                steps++;
                loss = Gradient(job.Examples, order.Slice(start, Math.Min(batchSize, count - start)), training.Loss, loss);
                Step(training, steps);
            }
        }

        return new TrainingResult(Difference(job.GlobalWeights), loss / count, steps);
    }

    private TrainingResult TrainPrivately(TrainingJob job, PrivateTraining settings, CancellationToken cancellation)
    {
        _private ??= new PrivateGradient(_network);
        var units = job.Examples.GroupByUnit();
        _private.Reserve(job.Examples.Count, units);
        for (var step = 1; step <= settings.Steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            _private.Compute(_weights, job.Examples, units, job.Training.Loss, settings, _gradients);
            Step(job.Training, step);
        }

        return new TrainingResult(Difference(job.GlobalWeights), null, settings.Steps);
    }

    /// <summary>Computes the mean gradient of a batch.</summary>
    /// <returns><paramref name="loss"/> plus the loss of each example in turn.</returns>
    private double Gradient(Examples examples, ReadOnlySpan<int> batch, LossKind kind, double loss)
    {
        var inputs = _network.Inputs(batch.Length);
        for (var i = 0; i < batch.Length; i++)
        {
            examples.Input(batch[i]).CopyTo(inputs[(i * model.InputSize)..]);
        }

        var outputs = _network.Forward(_weights, batch.Length);
        var gradients = _network.OutputGradients(batch.Length);
        for (var i = 0; i < batch.Length; i++)
        {
            var at = i * model.Outputs;
            loss += Loss.OfExample(kind, outputs.Slice(at, model.Outputs), examples, batch[i], gradients.Slice(at, model.Outputs));
        }

        foreach (ref var gradient in gradients)
        {
            gradient /= batch.Length;
        }

        _network.Backward(_weights, _gradients, batch.Length);
        return loss;
    }

    private void ResetOptimizer(TrainingSpec training)
    {
        var adam = training.Optimizer == OptimizerKind.Adam;
        Clear(ref _first, adam || training.Momentum > 0);
        Clear(ref _second, adam);
    }

    private void Clear(ref float[] state, bool needed)
    {
        if (!needed)
        {
            return;
        }

        if (state.Length == 0)
        {
            state = new float[model.ParameterCount];
        }

        state.AsSpan().Clear();
    }

    private void Step(TrainingSpec training, int step)
    {
        switch (training.Optimizer)
        {
            case OptimizerKind.Sgd:
                var velocity = training.Momentum > 0 ? _first.AsSpan() : [];
                Sgd.Step(_weights, _gradients, velocity, training.LearningRate, training.Momentum, training.WeightDecay);
                break;
            case OptimizerKind.Adam:
                Adam.Step(_weights, _gradients, _first, _second, step, training.LearningRate, training.WeightDecay);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(training), training.Optimizer, "Expected sgd or adam.");
        }
    }

    private float[] Difference(float[] globalWeights)
    {
        var update = new float[_weights.Length];
        for (var i = 0; i < update.Length; i++)
        {
            update[i] = _weights[i] - globalWeights[i];
        }

        return update;
    }
}
