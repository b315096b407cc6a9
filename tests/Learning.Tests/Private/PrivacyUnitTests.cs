using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Tests.Layers;
using FlEvents.Learning.Tests.Training;
using FlEvents.Learning.Training;
using static FlEvents.Learning.Tests.Private.PrivateCases;

namespace FlEvents.Learning.Tests.Private;

/// <summary>Private training where a unit may have several rows: what is drawn, clipped and bounded is the unit.</summary>
public sealed class PrivacyUnitTests
{
    private const double ClipNorm = 0.8;

    // Units of 1, 1, 1, 2, 3, 5, 8 and 19 rows, the rows of one not side by side; numbers with gaps.
    private static readonly int[] Numbers =
        [.. Enumerable.Range(0, 40).Select(row => 10 * (row * 29 % 40) switch { 0 => 9, 1 => 2, 2 => 3, < 5 => 4, < 8 => 5, < 13 => 6, < 21 => 7, _ => 8 })];

    public static MatrixTheoryData<string, LossKind> Cases => new(Names, Enum.GetValues<LossKind>());

    [Theory, MemberData(nameof(Cases))]
    public void A_step_is_that_of_clipping_the_mean_of_one_unit_at_a_time(string name, LossKind loss)
    {
        var model = ModelOf(name, loss);
        var units = RowsOf(Numbers);
        TrainingJob NewJob(double clipNorm) => Job(
            model, ExamplesOf(model, loss, Numbers.Length, Numbers), Spec(loss), Settings(Batches([.. Enumerable.Range(0, units.Count)]), Silence, clipNorm: clipNorm));
        var naive = new NaivePrivateTraining(units);
        naive.Train(NewJob(1));
        double[] norms = [.. naive.Norms.Order()];

        // All clipped, half of them, none.
        foreach (var clipNorm in new[] { norms[0] / 10, norms[norms.Length / 2], 2 * norms[^1] })
        {
            AssertClose(model, naive.Train(NewJob(clipNorm)), Train(NewJob(clipNorm)));
        }
    }

    [Theory, InlineData("two linear layers"), InlineData("convolution, kept"), InlineData("group normalisation of features")]
    public void A_unit_of_more_rows_than_the_workspace_holds_is_clipped_once(string name)
    {
        // The workspace holds 16 to 256 rows: units of 1, 300 and 299 rows are cut at places of its own.
        int[] numbers = [.. Enumerable.Range(0, 600).Select(row => row == 0 ? 7 : row % 2)];
        var (model, loss) = (ModelOf(name, LossKind.CrossEntropy), LossKind.CrossEntropy);
        TrainingJob NewJob() =>
            Job(model, ExamplesOf(model, loss, numbers.Length, numbers), Spec(loss), Settings(Batches([2, 0, 1]), Silence, clipNorm: 0.05));
        AssertClose(model, new NaivePrivateTraining(RowsOf(numbers)).Train(NewJob()), Train(NewJob()));
    }

    [Theory, MemberData(nameof(Cases))]
    public void One_unit_moves_the_sum_by_at_most_C(string name, LossKind loss)
    {
        const double LearningRate = 1024;
        var model = ModelOf(name, loss);
        var examples = Hostile(model, loss);
        int[] all = [.. Enumerable.Range(0, 6)];
        float[] Update(int[] batch) => Train(Job(model, examples, Spec(loss, LearningRate), Settings(Batches(batch), Silence, clipNorm: ClipNorm)));
        var with = Update(all);
        Assert.All(with, value => Assert.True(float.IsFinite(value)));
        var bound = LearningRate * ClipNorm / (0.25 * 50);
        var largest = 0.0;
        foreach (var removed in all)
        {
            var without = Update([.. all.Where(unit => unit != removed)]);
            var moved = Math.Sqrt(with.Zip(without, (x, y) => ((double)x - y) * ((double)x - y)).Sum());
            largest = Math.Max(largest, moved);

            // Gradient, weights and update are floats: three roundings of 2⁻²⁴ of at most seven bounds on each side.
            Assert.True(moved <= bound * (1 + (42 * Math.ScaleB(1, -24))), $"Unit {removed} moves the sum by {moved / bound} C.");
        }

        Assert.InRange(largest, 0.99 * bound, 1.01 * bound);
    }

    [Fact]
    public void Rows_whose_large_gradients_cancel_do_not_disturb_the_other_units()
    {
        // One linear output, squared error: g = 2(w·x + b − t)·(x, 1), and targets of ±10³⁰ leave nothing of w·x + b.
        var model = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [9], Outputs = 1 });
        var inputs = LayerCases.Random("cancel", 6 * 9);
        inputs.AsSpan(9, 9).CopyTo(inputs.AsSpan(4 * 9));
        var examples = new Examples(inputs, 9, null, [1, 1e30f, 2, 3, -1e30f, -2], [0, 1, 2, 2, 1, 3]);
        float[] Update(params int[] batch) =>
            Train(Job(model, examples, Spec(LossKind.MeanSquaredError), Settings(Batches(batch), Silence, clipNorm: ClipNorm)));
        Assert.Equal(Update(0, 2, 3), Update(0, 1, 2, 3));
        Assert.All(Update(1), value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_unit_with_a_row_that_is_not_finite_adds_nothing_and_disturbs_no_other()
    {
        foreach (var name in Names)
        {
            var model = ModelOf(name, LossKind.CrossEntropy);
            var examples = Hostile(model, LossKind.CrossEntropy);
            float[] Update(params int[] batch) => Train(Job(model, examples, Spec(LossKind.CrossEntropy), Settings(Batches(batch), Silence, clipNorm: ClipNorm)));
            Assert.Equal(Update(0, 1, 2), Update(4, 0, 5, 1, 2));
            Assert.All(Update(4), value => Assert.Equal(0, value));
        }
    }

    [Fact]
    public void Units_of_one_row_each_give_the_bits_of_examples_without_units()
    {
        int[] numbers = [.. Enumerable.Range(0, 40).Select(row => 1000 - row)];
        foreach (var name in Names)
        {
            var model = ModelOf(name, LossKind.CrossEntropy);
            float[] Update(int[]? units) => Train(Job(
                model, ExamplesOf(model, LossKind.CrossEntropy, 40, units), Spec(LossKind.CrossEntropy, 0.05),
                Settings(Batches([1, 2, 30], [], [.. Enumerable.Range(0, 40)]), Noise(name), 3)));
            Assert.Equal(Update(null), Update(numbers));
        }
    }

    [Fact]
    public void Units_are_drawn_and_not_rows()
    {
        var model = ModelOf("linear", LossKind.CrossEntropy);
        var counts = new List<(int, double)>();
        var settings = Settings(Batches([4]), Silence) with
        {
            DrawBatch = (count, rate, chosen) =>
            {
                counts.Add((count, rate));
                chosen[0] = 4;
                return 1;
            },
        };
        var examples = ExamplesOf(model, LossKind.CrossEntropy, Numbers.Length, Numbers);
        var drawn = Train(Job(model, examples, Spec(LossKind.CrossEntropy), settings));
        Assert.Equal([(RowsOf(Numbers).Count, 0.25)], counts);

        // A unit that is drawn is there with all its rows: the update is that of a job that has no others.
        var alone = examples.Select(RowsOf(Numbers)[4]);
        Assert.Equal(drawn, Train(Job(model, alone, Spec(LossKind.CrossEntropy), Settings(Batches([0]), Silence))));
    }

    [Fact]
    public void Steps_on_units_allocate_nothing()
    {
        var model = ModelOf("all together", LossKind.CrossEntropy);
        var examples = ExamplesOf(model, LossKind.CrossEntropy, Numbers.Length, Numbers);
        var engine = new BuiltInEngine();
        int[][] batches = [.. Enumerable.Range(0, 40).Select(size => Enumerable.Range(0, 8).Take(size % 9).ToArray())];
        TrainingJob NewJob(int steps) => Job(model, examples, Spec(LossKind.CrossEntropy, 0.01), Settings(Batches(batches), Silence, steps));
        var (one, many) = (NewJob(1), NewJob(40));
        var more = Allocation.Of(() => engine.Train(many, CancellationToken.None)) - Allocation.Of(() => engine.Train(one, CancellationToken.None));
        Assert.InRange(more, -1000, 1000);
    }

    [Fact]
    public void A_workspace_that_trained_on_units_trains_the_next_job_as_a_new_one_does()
    {
        var model = ModelOf("all together", LossKind.CrossEntropy);
        var engine = new BuiltInEngine(keep: 1);
        TrainingJob NewJob(int[]? units) => Job(
            model, ExamplesOf(model, LossKind.CrossEntropy, Numbers.Length, units), Spec(LossKind.CrossEntropy, 0.1), Settings(Batches([0, 3, 5]), Noise("again"), 2));
        var (plain, unit) = (Train(NewJob(null)), Train(NewJob(Numbers)));
        Assert.NotEqual(plain, unit);
        foreach (var (units, expected) in new[] { (Numbers, unit), (null, plain), (Numbers, unit) })
        {
            Assert.Equal(expected, engine.Train(NewJob(units), CancellationToken.None).Update);
        }
    }

    private static float[] Train(TrainingJob job) => new BuiltInEngine().Train(job, CancellationToken.None).Update;

    /// <summary>The rows of each unit, in the order in which units first appear.</summary>
    private static IReadOnlyList<int[]> RowsOf(int[] numbers) => [.. numbers.Index().GroupBy(row => row.Item, row => row.Index).Select(unit => unit.ToArray())];

    /// <summary>
    /// Six units: two rows, one row, and five; one of two rows of 10¹⁵ and 10³⁵, one whose rows are one infinite and one ordinary, one NaN twice.
    /// </summary>
    private static Examples Hostile(Model model, LossKind loss)
    {
        int[] units = [0, 1, 0, 2, 3, 2, 2, 2, 2, 3, 4, 4, 5, 5];
        var inputs = LayerCases.Random("hostile units", units.Length * model.InputSize);
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] = (i / model.InputSize) switch
            {
                4 => inputs[i] * 1e15f,
                9 => inputs[i] * 1e35f,
                10 => float.PositiveInfinity,
                12 or 13 => float.NaN,
                _ => inputs[i] * 2,
            };
        }

        return loss == LossKind.MeanSquaredError
            ? new Examples(inputs, model.InputSize, null, [.. Enumerable.Range(0, units.Length).Select(i => 3f - i)], units)
            : new Examples(inputs, model.InputSize, [.. Enumerable.Range(0, units.Length).Select(i => i % Math.Max(2, model.Outputs))], null, units);
    }
}
