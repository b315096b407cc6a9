using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Evaluation;
using FlEvents.Learning.Models;
using FlEvents.Learning.Tests.Layers;

namespace FlEvents.Learning.Tests.Evaluation;

public sealed class EvaluatorTests
{
    private static readonly Model One = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [1], Outputs = 1 });
    private static readonly Model Three = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [3], Outputs = 3 });

    /// <summary>Puts its input out.</summary>
    private static readonly float[] Identity = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];

    [Fact]
    public void Classes_are_counted_by_hand()
    {
        var examples = new Examples([2, 1, 0, 0, 5, 0, 0, 3, 4, 1, 1, 1], 3, [0, 1, 1, 2], null);
        var result = Evaluate(Three, Identity, examples, LossKind.CrossEntropy);
        Assert.Equal((4, 2), (result.Count, result.CorrectCount));

        // The last example's outputs tie: the first class is chosen, and it is not the right one.
        Assert.Equal([new ClassScore(1, 1), new ClassScore(2, 1), new ClassScore(1, 0)], result.Classes);
        Assert.Null(result.AbsoluteErrorSum);
        Assert.Null(result.Auc);
        double Loss(double[] outputs, int label) => Math.Log(outputs.Sum(Math.Exp)) - outputs[label];
        Assert.Equal(Loss([2, 1, 0], 0) + Loss([0, 5, 0], 1) + Loss([0, 3, 4], 1) + Loss([1, 1, 1], 2), result.LossSum, 1e-6);
    }

    [Fact]
    public void A_binary_label_on_one_output_has_two_classes_and_an_area()
    {
        var result = Evaluate(One, [1, 0], new Examples([-1, 2, 0, 3], 1, [0, 0, 1, 1], null), LossKind.BinaryCrossEntropy);
        Assert.Equal([new ClassScore(2, 1), new ClassScore(2, 1)], result.Classes);
        Assert.Equal((2, 0.75), (result.CorrectCount, result.Auc));
    }

    [Fact]
    public void A_binary_label_on_two_outputs_is_ranked_by_their_difference()
    {
        var two = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [2], Outputs = 2 });
        var examples = new Examples([5, 4, 1, 3, 9, 9, 0, 1], 2, [0, 0, 1, 1], null);

        // Differences −1, 2, 0, 1: of the pairs only (0, −1), (1, −1) are in order.
        Assert.Equal(0.5, Evaluate(two, [1, 0, 0, 1, 0, 0], examples, LossKind.CrossEntropy).Auc);
    }

    [Fact]
    public void The_absolute_error_of_a_number_is_in_the_unit_of_the_label()
    {
        var result = Evaluator.Evaluate(
            One, [2, 1], new Examples([1, 2], 1, null, [1f, 6f]), LossKind.MeanSquaredError, targetScale: 10, CancellationToken.None);
        Assert.Equal(30, result.AbsoluteErrorSum);
        Assert.Equal(5, result.LossSum);
        Assert.Null(result.CorrectCount);
        Assert.Null(result.Auc);
        Assert.Empty(result.Classes);
    }

    [Fact]
    public void Scores_add_up_whatever_the_examples_are_scored_with()
    {
        var inputs = LayerCases.Random("inputs", 200 * 3);
        var examples = new Examples(inputs, 3, [.. Enumerable.Range(0, 200).Select(i => i % 3)], null);
        var weights = Three.InitialWeights(1);
        var whole = Evaluate(Three, weights, examples, LossKind.CrossEntropy);
        var singles = Enumerable.Range(0, 200).Select(i => Evaluate(Three, weights, examples.Select([i]), LossKind.CrossEntropy)).ToList();
        Assert.Equal(singles.Aggregate(0.0, (sum, single) => sum + single.LossSum), whole.LossSum);
        Assert.Equal(singles.Sum(single => single.CorrectCount), whole.CorrectCount);
    }

    [Fact]
    public void No_examples_give_zeros()
    {
        var result = Evaluate(Three, Identity, new Examples([], 3, [], null), LossKind.CrossEntropy);
        Assert.Equal((0, 0.0, 0), (result.Count, result.LossSum, result.CorrectCount));
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_a_cancelled_evaluation_stops()
    {
        var examples = new Examples([1, 2, 3], 3, [3], null);
        Assert.Throws<ArgumentException>(() => Evaluate(Three, Identity, examples, LossKind.CrossEntropy));
        Assert.Throws<ArgumentException>(() => Evaluate(Three, [1], new Examples([1, 2, 3], 3, [0], null), LossKind.CrossEntropy));
        Assert.Throws<OperationCanceledException>(() => Evaluator.Evaluate(
            Three, Identity, new Examples([1, 2, 3], 3, [0], null), LossKind.CrossEntropy, 1, new CancellationToken(canceled: true)));
    }

    private static EvaluationResult Evaluate(Model model, float[] weights, Examples examples, LossKind loss) =>
        Evaluator.Evaluate(model, weights, examples, loss, 1, CancellationToken.None);
}
