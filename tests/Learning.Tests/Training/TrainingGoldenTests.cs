using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Tests.Golden;
using FlEvents.Learning.Training;

namespace FlEvents.Learning.Tests.Training;

public sealed class TrainingGoldenTests
{
    private static readonly GoldenValues Golden = GoldenValues.Read();

    public static TheoryData<string> Names => new(Golden.Training.Select(training => training.Name));

    [Theory, MemberData(nameof(Names))]
    public void Training_ends_where_PyTorch_ends_on_the_same_batches(string name)
    {
        var expected = Golden.Training.Single(training => training.Name == name);
        var model = Model.Create(new ModelSpec { Layers = expected.Layers, InputShape = expected.InputShape, Outputs = expected.OutputCount });
        var examples = expected.Loss == LossKind.MeanSquaredError
            ? new Examples(expected.Inputs, model.InputSize, null, expected.Labels)
            : new Examples(expected.Inputs, model.InputSize, [.. expected.Labels.Select(label => (int)label)], null);
        var result = new BuiltInEngine().Train(
            new TrainingJob
            {
                Model = model,
                GlobalWeights = expected.Start,
                Examples = examples,
                Training = new TrainingSpec
                {
                    Loss = expected.Loss,
                    Optimizer = expected.Optimizer,
                    LearningRate = expected.LearningRate,
                    Momentum = expected.Momentum,
                    WeightDecay = expected.WeightDecay,
                    BatchSize = 4,
                    LocalEpochs = 2,
                },
                BatchOrder = SeededRandom.Derive(5, "golden"),
            },
            CancellationToken.None);

        Assert.Equal(expected.Batches.Length, result.Steps);
        var last = expected.Batches.Zip(expected.BatchLosses).Skip(3).Sum(batch => batch.First.Length * batch.Second) / examples.Count;
        Assert.Equal(last, result.MeanLoss!.Value, 1e-6 * Math.Max(1, last));
        for (var i = 0; i < expected.End.Length; i++)
        {
            // Six steps of float rounding on weights of size 1. Adam divides by √v: a gradient of 10⁻³ with an error of 10⁻⁸ moves its step of 10⁻² by 10⁻⁷.
            Assert.Equal(expected.End[i], expected.Start[i] + result.Update[i], expected.Optimizer == OptimizerKind.Adam ? 1e-5 : 3e-6);
        }
    }

    [Fact]
    public void Batches_are_those_the_golden_values_were_made_with()
    {
        var batches = BatchOrder.Batches(10, 4, 2, SeededRandom.Derive(5, "golden")).ToArray();
        Assert.All(Golden.Training, training => Assert.Equal(training.Batches, batches));
    }
}
