using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Losses;
using FlEvents.Learning.Models;
using FlEvents.Learning.Tests.Golden;

namespace FlEvents.Learning.Tests.Losses;

public sealed class LossTests
{
    private static readonly GoldenValues Golden = GoldenValues.Read();

    [Theory, InlineData(LossKind.CrossEntropy), InlineData(LossKind.BinaryCrossEntropy), InlineData(LossKind.MeanSquaredError)]
    public void A_loss_and_its_gradient_are_those_of_PyTorch(LossKind kind)
    {
        var expected = Golden.Losses.Single(loss => loss.Loss == kind);
        var count = expected.Labels.Length;
        var width = expected.Outputs.Length / count;
        var examples = kind == LossKind.MeanSquaredError
            ? new Examples(new float[count], 1, null, expected.Labels)
            : new Examples(new float[count], 1, [.. expected.Labels.Select(label => (int)label)], null);
        var gradients = new float[expected.Outputs.Length];
        var sum = 0.0;
        for (var i = 0; i < count; i++)
        {
            sum += Loss.OfExample(kind, expected.Outputs.AsSpan(i * width, width), examples, i, gradients.AsSpan(i * width, width));
        }

        // PyTorch sums in float, so its mean of losses up to 1000 is good to a relative 10⁻⁶.
        Assert.Equal(expected.MeanLoss, sum / count, 1e-6 * Math.Max(1, expected.MeanLoss));
        for (var i = 0; i < gradients.Length; i++)
        {
            Assert.Equal(expected.Gradients[i], gradients[i] / count, 1e-7 * Math.Max(1, Math.Abs(expected.Gradients[i])));
        }
    }

    [Fact]
    public void Cross_entropies_known_by_hand()
    {
        var gradient = new float[2];
        Assert.Equal(Math.Log(2), SoftmaxCrossEntropy.OfExample([5f, 5f], 1, gradient), 1e-15);
        Assert.Equal([0.5f, -0.5f], gradient);
        Assert.Equal(Math.Log(2), BinaryCrossEntropy.OfExample(0f, 1, out var slope), 1e-15);
        Assert.Equal(-0.5f, slope);
        Assert.Equal(12.5, MeanSquaredError.OfExample([3f, 4f], [0f, 0f], gradient));
        Assert.Equal([3f, 4f], gradient);
    }

    [Theory, InlineData(0), InlineData(1)]
    public void The_gradients_of_both_cross_entropies_are_central_differences_of_the_loss(int label)
    {
        const double H = 1e-3;
        for (var z = -6f; z <= 6f; z += 0.37f)
        {
            // The loss is computed from a float exponential, so it is good to 10⁻⁷, over 2h that is 5·10⁻⁵; truncation adds h²/24.
            float Gradient(out double difference)
            {
                var up = BinaryCrossEntropy.OfExample((float)(z + H), label, out _);
                var down = BinaryCrossEntropy.OfExample((float)(z - H), label, out _);
                difference = (up - down) / ((double)(float)(z + H) - (float)(z - H));
                BinaryCrossEntropy.OfExample(z, label, out var gradient);
                return gradient;
            }

            Assert.Equal(Gradient(out var expected), expected, 1e-4);
            var softmax = new float[2];
            SoftmaxCrossEntropy.OfExample([0f, z], label, softmax);
            Assert.Equal(expected, softmax[1], 1e-4);
        }
    }

    [Fact]
    public void A_small_binary_loss_is_not_lost() =>
        Assert.Equal(Math.Exp(-30), BinaryCrossEntropy.OfExample(30f, 1, out _), 1e-15);

    [Theory]
    [InlineData(LossKind.CrossEntropy, 1, true)]
    [InlineData(LossKind.CrossEntropy, 2, false)]
    [InlineData(LossKind.BinaryCrossEntropy, 2, true)]
    [InlineData(LossKind.BinaryCrossEntropy, 1, false)]
    [InlineData(LossKind.MeanSquaredError, 3, true)]
    [InlineData(LossKind.MeanSquaredError, 1, false)]
    public void A_loss_names_the_outputs_it_cannot_score(LossKind kind, int outputs, bool isMismatch) =>
        Assert.Equal(isMismatch, Loss.Mismatch(kind, outputs)?.Contains(outputs.ToString(), StringComparison.Ordinal) ?? false);

    [Fact]
    public void Labels_and_inputs_that_do_not_fit_are_refused_by_name()
    {
        var model = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [2], Outputs = 3 });
        var binary = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [2], Outputs = 1 });
        Examples Classes(int inputSize, params int[] classes) => new(new float[classes.Length * inputSize], inputSize, classes, null);
        var numbers = new Examples(new float[2], 2, null, [0f]);
        void Refused(string text, LossKind kind, Model of, Examples examples) =>
            Assert.Contains(text, Assert.Throws<ArgumentException>(() => Loss.Check(kind, of, examples)).Message, StringComparison.Ordinal);
        Refused("Example 1 has class 3; expected 0 to 2", LossKind.CrossEntropy, model, Classes(2, 0, 3));
        Refused("class -1", LossKind.CrossEntropy, model, Classes(2, -1));
        Refused("class 2; expected 0 to 1", LossKind.BinaryCrossEntropy, binary, Classes(2, 2));
        Refused("3 values", LossKind.CrossEntropy, model, Classes(3, 0));
        Refused("labels are numbers", LossKind.CrossEntropy, model, numbers);
        Refused("labels are classes", LossKind.MeanSquaredError, binary, Classes(2, 0));
    }
}
