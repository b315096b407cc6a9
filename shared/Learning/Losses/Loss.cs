using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Losses;

/// <summary>The losses by kind, one example at a time.</summary>
public static class Loss
{
    /// <summary>Why a loss cannot score a model with so many outputs, in one sentence; null when it can.</summary>
    public static string? Mismatch(LossKind kind, int outputs) => kind switch
    {
        LossKind.CrossEntropy when outputs < 2 =>
            $"The loss crossEntropy needs an output for each of at least 2 classes, not {outputs}; for a binary label on one output use binaryCrossEntropy.",
        LossKind.BinaryCrossEntropy when outputs != 1 => $"The loss binaryCrossEntropy needs 1 output, not {outputs}.",
        LossKind.MeanSquaredError when outputs != 1 => $"The loss meanSquaredError needs 1 output, since a label is one number, not {outputs}.",
        _ => null,
    };

    /// <summary>Refuses examples that do not fit the model or the loss, naming the first value that does not.</summary>
    /// <exception cref="ArgumentException">The input size, the kind of label or a class does not fit.</exception>
    public static void Check(LossKind kind, Model model, Examples examples)
    {
        if (Mismatch(kind, model.Outputs) is { } mismatch)
        {
            throw new ArgumentException(mismatch, nameof(kind));
        }

        if (examples.InputSize != model.InputSize)
        {
            throw new ArgumentException($"Examples of {examples.InputSize} values do not fit a model of {model.InputSize} inputs.", nameof(examples));
        }

        if (examples.HasClasses == (kind == LossKind.MeanSquaredError))
        {
            throw new ArgumentException(
                examples.HasClasses
                    ? "The labels are classes; the loss meanSquaredError expects numbers."
                    : "The labels are numbers; a cross-entropy expects classes.",
                nameof(examples));
        }

        var classes = kind == LossKind.BinaryCrossEntropy ? 2 : model.Outputs;
        for (var i = 0; examples.HasClasses && i < examples.Count; i++)
        {
            if ((uint)examples.Class(i) >= (uint)classes)
            {
                throw new ArgumentException($"Example {i} has class {examples.Class(i)}; expected 0 to {classes - 1}.", nameof(examples));
            }
        }
    }

    /// <summary>The loss of one example, and its gradient with respect to the model's outputs.</summary>
    /// <param name="kind">A loss that <see cref="Check"/> accepted.</param>
    /// <param name="outputs">The model's outputs, shape [Outputs].</param>
    /// <param name="examples">Where the label stands.</param>
    /// <param name="index">The example.</param>
    /// <param name="gradient">Overwritten, shape [Outputs].</param>
    public static double OfExample(LossKind kind, ReadOnlySpan<float> outputs, Examples examples, int index, Span<float> gradient)
    {
        switch (kind)
        {
            case LossKind.CrossEntropy:
                return SoftmaxCrossEntropy.OfExample(outputs, examples.Class(index), gradient);
            case LossKind.BinaryCrossEntropy:
                return BinaryCrossEntropy.OfExample(outputs[0], examples.Class(index), out gradient[0]);
            case LossKind.MeanSquaredError:
                return MeanSquaredError.OfExample(outputs, [examples.Target(index)], gradient);
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "Expected crossEntropy, binaryCrossEntropy or meanSquaredError.");
        }
    }
}
