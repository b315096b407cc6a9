using FlEvents.Learning.Evaluation;
using FlEvents.Learning.Tests.Layers;

namespace FlEvents.Learning.Tests.Evaluation;

public sealed class RocCurveTests
{
    [Theory]
    [InlineData(new[] { 0.1f, 0.4f, 0.35f, 0.8f }, "0011", 0.75)] // 3 of 4 pairs; the example of scikit-learn's roc_auc_score.
    [InlineData(new[] { 1f, 1f, 1f }, "010", 0.5)]
    [InlineData(new[] { 1f, 2f, 2f, 3f }, "0011", 0.875)] // Of 4 pairs 3 are in order and 1 is tied.
    [InlineData(new[] { 3f, 2f, 1f }, "001", 0.0)]
    [InlineData(new[] { -0f, 0f }, "01", 0.5)]
    public void The_area_is_that_counted_by_hand(float[] scores, string labels, double area) =>
        Assert.Equal(area, RocCurve.Area(scores, i => labels[i] == '1'));

    [Theory]
    [InlineData(new float[] { }, "")]
    [InlineData(new[] { 1f, 2f }, "11")]
    [InlineData(new[] { 1f, 2f }, "00")]
    [InlineData(new[] { 1f, float.NaN, 2f }, "010")]
    public void Without_both_classes_or_with_a_score_that_is_no_number_there_is_no_area(float[] scores, string labels) =>
        Assert.Null(RocCurve.Area(scores, i => labels[i] == '1'));

    [Fact]
    public void The_area_is_the_share_of_ordered_pairs()
    {
        var scores = LayerCases.Random("scores", 300).Select(score => (float)Math.Round(score, 1)).ToArray();
        bool IsPositive(int i) => i % 3 == 0;
        var pairs = from p in Enumerable.Range(0, 300) where IsPositive(p) from n in Enumerable.Range(0, 300) where !IsPositive(n) select (p, n);
        var share = pairs.Average(pair => scores[pair.p] > scores[pair.n] ? 1 : scores[pair.p] == scores[pair.n] ? 0.5 : 0);
        Assert.Equal(share, RocCurve.Area(scores, IsPositive)!.Value, 1e-12);
    }
}
