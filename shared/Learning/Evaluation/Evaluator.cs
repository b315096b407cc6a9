using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Layers;
using FlEvents.Learning.Losses;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Evaluation;

/// <summary>Scores a model on examples.</summary>
public static class Evaluator
{
    private const int BatchSize = 64;

    /// <summary>Counts and sums over the examples, in their order.</summary>
    /// <param name="model">The architecture.</param>
    /// <param name="weights">Shape [P].</param>
    /// <param name="examples">May be empty. Binary labels are classes 0 and 1, with one output or two.</param>
    /// <param name="loss">The loss the model is trained with.</param>
    /// <param name="targetScale">What one unit of a scaled numeric label is in the label's own unit.</param>
    /// <param name="cancellation">Asked between batches.</param>
    /// <remarks>
    /// Of equal outputs the first class is chosen; with one output the class is 1 above a logit of 0. An example's bits do not depend on its batch.
    /// </remarks>
    /// <exception cref="ArgumentException">The weights or examples do not fit the model, or the loss does not.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static EvaluationResult Evaluate(
        Model model, ReadOnlySpan<float> weights, Examples examples, LossKind loss, double targetScale, CancellationToken cancellation)
    {
        if (weights.Length != model.ParameterCount)
        {
            throw new ArgumentException($"{weights.Length} weights do not fit a model of {model.ParameterCount} parameters.", nameof(weights));
        }

        Loss.Check(loss, model, examples);
        var network = new Network(model);
        var gradient = new float[model.Outputs];
        var tally = new Tally(model, examples, loss, targetScale);
        for (var start = 0; start < examples.Count; start += BatchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            var batch = Math.Min(BatchSize, examples.Count - start);
            network.Reserve(batch, backward: false);
            var inputs = network.Inputs(batch);
            for (var i = 0; i < batch; i++)
            {
                examples.Input(start + i).CopyTo(inputs[(i * model.InputSize)..]);
            }

            var outputs = network.Forward(weights, batch);
            for (var i = 0; i < batch; i++)
            {
                var output = outputs.Slice(i * model.Outputs, model.Outputs);
                tally.Add(start + i, output, Loss.OfExample(loss, output, examples, start + i, gradient));
            }
        }

        return tally.Result();
    }

    /// <summary>What has been counted and summed so far.</summary>
    private sealed class Tally(Model model, Examples examples, LossKind loss, double targetScale)
    {
        private readonly ClassScore[] _classes =
            examples.HasClasses ? new ClassScore[loss == LossKind.BinaryCrossEntropy ? 2 : model.Outputs] : [];

        private readonly float[] _scores = examples.HasClasses && model.Outputs <= 2 ? new float[examples.Count] : [];
        private double _lossSum;
        private double _errorSum;

        public void Add(int index, ReadOnlySpan<float> outputs, double exampleLoss)
        {
            _lossSum += exampleLoss;
            if (!examples.HasClasses)
            {
                _errorSum += Math.Abs((double)outputs[0] - examples.Target(index));
                return;
            }

            var label = examples.Class(index);
            var isRight = Chosen(outputs) == label;
            _classes[label] = new ClassScore(_classes[label].Count + 1, _classes[label].CorrectCount + (isRight ? 1 : 0));
            if (_scores.Length > 0)
            {
                _scores[index] = outputs.Length == 1 ? outputs[0] : outputs[1] - outputs[0];
            }
        }

        public EvaluationResult Result() => new()
        {
            Count = examples.Count,
            LossSum = _lossSum,
            CorrectCount = examples.HasClasses ? _classes.Sum(score => score.CorrectCount) : null,
            Classes = _classes,
            AbsoluteErrorSum = examples.HasClasses ? null : _errorSum * Math.Abs(targetScale),
            Auc = _scores.Length > 0 ? RocCurve.Area(_scores, index => examples.Class(index) == 1) : null,
        };

        private static int Chosen(ReadOnlySpan<float> outputs)
        {
            if (outputs.Length == 1)
            {
                return outputs[0] > 0 ? 1 : 0;
            }

            var chosen = 0;
            for (var i = 1; i < outputs.Length; i++)
            {
                chosen = outputs[i] > outputs[chosen] ? i : chosen;
            }

            return chosen;
        }
    }
}
