using System.Security.Cryptography;
using FlEvents.Contracts;

namespace FlEvents.Learning.Data.Tests;

public class DigitGeneratorTests
{
    private const int Pixels = DigitGenerator.Pixels;

    [Fact]
    public void The_first_hundred_images_have_known_bytes()
    {
        var bytes = new byte[100 * (Pixels + 1)];
        for (var i = 0; i < 100; i++)
        {
            var example = bytes.AsSpan(i * (Pixels + 1), Pixels + 1);
            example[0] = (byte)DigitGenerator.Draw(1, i, example[1..]);
        }

        Assert.Equal("13ad4da1789127a167faeb5213374b9c98ce83bc7763ce4f782268976ed3d092", Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    [Fact]
    public void An_image_depends_on_its_seed_and_index_alone()
    {
        var alone = Read(count: 5000, skip: 4321, take: 1, seed: 3);
        var among = Read(count: 4400, skip: 4300, take: null, seed: 3);

        Assert.Equal(alone.Input(0).ToArray(), among.Input(21).ToArray());
        Assert.Equal(alone.Class(0), among.Class(21));
        Assert.Equal(alone.Class(0), DigitGenerator.Class(3, 4321));
        Assert.NotEqual(alone.Input(0).ToArray(), among.Input(22).ToArray());
        Assert.NotEqual(alone.Input(0).ToArray(), Read(5000, 4321, 1, seed: 4).Input(0).ToArray());
    }

    [Fact]
    public void Classes_are_balanced_and_in_no_fixed_order()
    {
        var classes = Enumerable.Range(0, 1000).Select(i => DigitGenerator.Class(5, i)).ToArray();

        Assert.All(classes.Chunk(10), ten => Assert.Equal(Enumerable.Range(0, 10), ten.Order()));
        Assert.InRange(classes.Chunk(10).Select(ten => string.Join(',', ten)).Distinct().Count(), 95, 100);
    }

    [Fact]
    public void Every_image_has_ink_inside_and_paper_around()
    {
        Span<byte> image = stackalloc byte[Pixels];
        for (var i = 0; i < 2000; i++)
        {
            DigitGenerator.Draw(8, i, image);
            var dark = 0;
            for (var p = 0; p < Pixels; p++)
            {
                dark += image[p] > 127 ? 1 : 0;
                var onBorder = p % 28 is 0 or 27 || p / 28 is 0 or 27;
                Assert.False(onBorder && image[p] > 60, $"image {i} leaves the paper at {p % 28}, {p / 28}");
            }

            Assert.InRange(dark, 15, 300);
        }
    }

    /// <summary>The nearest mean image is a weaker rule than logistic regression, which gets about 90 % here, and a small CNN, which gets about 98 %.</summary>
    [Fact]
    public void The_nearest_mean_image_tells_most_digits_but_not_all()
    {
        var training = Read(count: 3000, skip: 0, take: null, seed: 1);
        var means = new double[10, Pixels];
        for (var i = 0; i < training.Count; i++)
        {
            for (var p = 0; p < Pixels; p++)
            {
                means[training.Class(i), p] += training.Input(i)[p] / 300;
            }
        }

        var fresh = Read(count: 4000, skip: 3000, take: null, seed: 1);
        var right = Enumerable.Range(0, fresh.Count).Count(i => NearestMean(means, fresh.Input(i)) == fresh.Class(i));

        Assert.InRange(right / 1000.0, 0.65, 0.88);
    }

    [Fact]
    public void Pixels_are_scaled_like_those_of_files()
    {
        Span<byte> image = stackalloc byte[Pixels];
        var digit = DigitGenerator.Draw(1, 2, image);
        var spec = new DataSpec { DataSet = "digits", Image = new ImageScaling { Mean = 0.1307, Scale = 0.3081 } };

        var examples = DataSetReader.Read(new DataSource { Kind = DataSourceKind.Digits, Count = 3 }, spec, [784]);

        Assert.Equal(digit, examples.Class(2));
        for (var p = 0; p < Pixels; p++)
        {
            Assert.Equal((float)(((image[p] / 255.0) - 0.1307) / 0.3081), examples.Input(2)[p]);
        }
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Throws<ArgumentException>(() => DigitGenerator.Draw(1, 0, new byte[783]));
        Assert.Throws<ArgumentOutOfRangeException>(() => DigitGenerator.Class(1, -1));
        var source = new DataSource { Kind = DataSourceKind.Digits, Count = 10 };
        var spec = new DataSpec { DataSet = "digits" };
        AssertRefused("inputShape [1, 32, 32] has 1024", () => DataSetReader.Read(source, spec, [1, 32, 32]));
        AssertRefused("the model tells 2 classes apart; generated digits have 10.", () => DataSetReader.Read(source, spec, [784], classes: 2));
        AssertRefused("skip 5 and take 6 of 10 examples", () => DataSetReader.CountExamples(source with { Skip = 5, Take = 6 }));
    }

    private static void AssertRefused(string message, Action read) =>
        Assert.Contains(message, Assert.Throws<DataException>(read).Message, StringComparison.Ordinal);

    private static Examples Read(int count, int skip, int? take, long seed) =>
        DataSetReader.Read(
            new DataSource { Kind = DataSourceKind.Digits, Count = count, Seed = seed, Skip = skip, Take = take },
            new DataSpec { DataSet = "digits" },
            [1, 28, 28]);

    private static int NearestMean(double[,] means, ReadOnlySpan<float> image)
    {
        var (nearest, least) = (-1, double.MaxValue);
        for (var digit = 0; digit < 10; digit++)
        {
            var squared = 0.0;
            for (var p = 0; p < Pixels; p++)
            {
                squared += (means[digit, p] - image[p]) * (means[digit, p] - image[p]);
            }

            (nearest, least) = squared < least ? (digit, squared) : (nearest, least);
        }

        return nearest;
    }
}
