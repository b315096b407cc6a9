using System.Buffers.Binary;
using FlEvents.Contracts;

namespace FlEvents.Learning.Data.Tests;

public sealed class IdxTests : IDisposable
{
    private static readonly DataSpec Spec = new() { DataSet = "images" };
    private static readonly int[] Shape = [1, 2, 3];

    private readonly DataFiles _folder = new();

    public static byte[] Images(uint count, uint rows, uint columns, params byte[] pixels) => [.. Header(0x803, count, rows, columns), .. pixels];

    public static byte[] Labels(uint count, params byte[] labels) => [.. Header(0x801, count), .. labels];

    private static byte[] TwoImages { get; } = Images(2, 2, 3, 0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6);

    private static byte[] TwoLabels { get; } = Labels(2, 7, 0);

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public void Plain_and_gzip_files_give_the_same_examples(bool gzip)
    {
        var examples = Read(gzip ? DataFiles.Gzip(TwoImages) : TwoImages, gzip ? DataFiles.Gzip(TwoLabels) : TwoLabels);

        Assert.Equal((2, 6), (examples.Count, examples.InputSize));
        Assert.Equal([0f, 0.2f, 0.4f, 0.6f, 0.8f, 1f], examples.Input(0).ToArray());
        Assert.Equal((7, 0), (examples.Class(0), examples.Class(1)));
    }

    [Fact]
    public void Pixels_are_shifted_and_scaled_as_declared()
    {
        var source = Source(TwoImages, TwoLabels);
        var spec = Spec with { Image = new ImageScaling { Mean = 0.2, Scale = 0.4 } };

        // (0 − 0.2)/0.4, (0.2 − 0.2)/0.4, (0.4 − 0.2)/0.4, …
        Assert.Equal([-0.5f, 0f, 0.5f, 1f, 1.5f, 2f], DataSetReader.Read(source, spec, Shape).Input(0).ToArray());
    }

    [Fact]
    public void Skip_and_take_choose_a_range()
    {
        var images = Images(4, 1, 1, 10, 20, 30, 40);
        var labels = Labels(4, 1, 2, 3, 4);
        foreach (var gzip in new[] { false, true })
        {
            var source = gzip ? Source(DataFiles.Gzip(images), DataFiles.Gzip(labels)) : Source(images, labels);
            var middle = DataSetReader.Read(source with { Skip = 1, Take = 2 }, Spec, [1]);

            Assert.Equal([2, 3], new[] { middle.Class(0), middle.Class(1) });
            Assert.Equal((float)(20 / 255.0), middle.Input(0)[0]);
            Assert.Equal(3, DataSetReader.CountExamples(source with { Skip = 1 }));
            Assert.Equal([2, 3], middle.Count == 2 ? PartitionNames(source with { Skip = 1, Take = 2 }) : []);
        }
    }

    [Theory, InlineData(4, null), InlineData(3, 2), InlineData(0, 5)]
    public void A_range_beyond_the_end_is_refused(int skip, int? take)
    {
        var source = Source(Images(4, 1, 1, 10, 20, 30, 40), Labels(4, 1, 2, 3, 4)) with { Skip = skip, Take = take };

        var message = Assert.Throws<DataException>(() => DataSetReader.Read(source, Spec, [1])).Message;

        Assert.Contains($"skip {skip}", message, StringComparison.Ordinal);
        Assert.Contains("of 4 examples; expected", message, StringComparison.Ordinal);
        Assert.Equal(message, Assert.Throws<DataException>(() => DataSetReader.CountExamples(source)).Message);
    }

    [Fact]
    public void A_wrong_magic_number_is_named_with_its_offset() =>
        AssertRefused(
            Labels(12, TwoImages[16..]),
            TwoLabels,
            "images: byte offset 0: magic number is 0x00000801; expected 0x00000803 (unsigned bytes in 3 dimensions).");

    [Fact]
    public void A_file_that_ends_in_the_header_is_refused()
    {
        AssertRefused(TwoImages[..3], TwoLabels, "images: byte offset 3: the file ends in the magic number; expected 4 bytes.");
        AssertRefused(TwoImages[..10], TwoLabels, "images: byte offset 10: the file ends in the size of dimension 1; expected 4 bytes.");
        AssertRefused([], TwoLabels, "images: byte offset 0: the file ends in the magic number; expected 4 bytes.");
    }

    [Theory, InlineData(-1, "11 bytes"), InlineData(1, "13 bytes")]
    public void A_plain_file_of_another_length_than_promised_is_refused(int change, string found)
    {
        var bytes = TwoImages.Concat(new byte[1]).Take(TwoImages.Length + change).ToArray();
        AssertRefused(bytes, TwoLabels, $"images: byte offset 16: {found} of items; the header promises 12 (2×2×3).");
    }

    [Theory, InlineData(-1, "11 bytes"), InlineData(1, "more than 12 bytes"), InlineData(1_000_000, "more than 12 bytes")]
    public void A_gzip_file_of_another_length_than_promised_is_refused(int change, string found)
    {
        var bytes = TwoImages.Concat(new byte[1_000_000]).Take(TwoImages.Length + change).ToArray();
        AssertRefused(DataFiles.Gzip(bytes), TwoLabels, $"images: byte offset 16: {found} of items; the header promises 12 (2×2×3).");
    }

    [Fact]
    public void A_gzip_file_that_is_cut_off_or_damaged_is_refused()
    {
        var gzip = DataFiles.Gzip(TwoImages);
        var damaged = gzip.ToArray();
        damaged[^5] ^= 0xFF;

        Assert.Throws<DataException>(() => Read(gzip[..^12], TwoLabels));
        Assert.Contains("damaged", Assert.Throws<DataException>(() => Read(damaged, TwoLabels)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_promises_more_than_the_limit_is_refused_before_anything_is_read()
    {
        const string limit = "expected at least 1, and at most 536870912 bytes over all dimensions.";
        AssertRefused(Images(uint.MaxValue, uint.MaxValue, uint.MaxValue), TwoLabels, $"images: byte offset 4: size of dimension 0 is 4294967295; {limit}");
        AssertRefused(DataFiles.Gzip(Images(uint.MaxValue, 28, 28)), TwoLabels, $"images: byte offset 4: size of dimension 0 is 4294967295; {limit}");
        AssertRefused(Images(1 << 20, 1 << 20, 1), TwoLabels, $"images: byte offset 8: size of dimension 1 is 1048576; {limit}");
        AssertRefused(Images(0, 28, 28), TwoLabels, $"images: byte offset 4: size of dimension 0 is 0; {limit}");
    }

    [Fact]
    public void A_gzip_header_that_promises_more_than_deflate_can_hold_is_refused_without_unpacking()
    {
        var gzip = DataFiles.Gzip(Images(500_000, 28, 28));
        AssertRefused(
            gzip,
            TwoLabels,
            $"images: byte offset 16: the header promises 392000000 bytes of items (500000×28×28); a gzip file of {gzip.Length} bytes can't hold so many.");
        Assert.Throws<DataException>(() => DataSetReader.CountExamples(Source(gzip, TwoLabels)));
    }

    [Fact]
    public void A_header_that_lies_allocates_nothing_of_the_promised_size()
    {
        // 40 MB of zeros pack into 40 kB: the ratio alone would let the promised 41 MB pass.
        var source = Source(DataFiles.Gzip([.. Images(41, 1000, 1000), .. new byte[40_000_000]]), Labels(41, new byte[41]));
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<DataException>(() => DataSetReader.Read(source, Spec, [1, 1000, 1000]));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000_000);
    }

    [Fact]
    public void Another_number_of_labels_than_images_is_refused() =>
        AssertRefused(TwoImages, Labels(3, 1, 2, 3), "labels: byte offset 4: 3 labels; expected 2, as many as there are images in images.");

    [Fact]
    public void A_label_beyond_the_models_classes_is_named_with_its_offset()
    {
        var source = Source(TwoImages, TwoLabels);

        Assert.Equal(7, DataSetReader.Read(source, Spec, Shape, classes: 8).Class(0));
        Assert.Equal(
            "labels: byte offset 8: label 7; expected 0 to 6, the classes the model tells apart.",
            Assert.Throws<DataException>(() => DataSetReader.Read(source, Spec, Shape, classes: 7)).Message);
    }

    [Fact]
    public void A_shape_that_does_not_fit_is_refused_with_both_numbers()
    {
        var source = Source(TwoImages, TwoLabels);

        Assert.Equal(6, DataSetReader.Read(source, Spec, [6]).InputSize);
        foreach (var shape in new int[][] { [1, 28, 28], [784] })
        {
            Assert.Equal(
                $"images: an image gives 6 inputs, 1×2×3; the model's inputShape [{string.Join(", ", shape)}] has 784.",
                Assert.Throws<DataException>(() => DataSetReader.Read(source, Spec, shape)).Message);
        }

        Assert.Throws<DataException>(() => DataSetReader.Read(source, Spec, [1, 3, 2]));
        Assert.Throws<DataException>(() => DataSetReader.Read(source, Spec, [int.MaxValue, int.MaxValue, int.MaxValue]));
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        var source = new DataSource { Kind = DataSourceKind.Idx, Images = "nowhere.idx", Labels = "l" };

        Assert.Equal("'nowhere.idx': not found; expected a readable file.", Assert.Throws<DataException>(() => DataSetReader.CountExamples(source)).Message);
    }

    [Fact]
    public void Columns_and_labels_of_a_table_do_not_belong_to_images() =>
        Assert.Equal(
            "images: columns is declared; images take none.",
            Assert.Throws<DataException>(() => DataSetReader.Read(Source(TwoImages, TwoLabels), Spec with { Columns = [] }, Shape)).Message);

    private static byte[] Header(params uint[] numbers)
    {
        var bytes = new byte[numbers.Length * 4];
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * 4), numbers[i]);
        }

        return bytes;
    }

    private static int[] PartitionNames(DataSource source)
    {
        var values = DataSetReader.ReadPartitionValues(source, new PartitionSpec { Rule = PartitionRule.Shards, ShardsPerClient = 1 })!;
        return [.. values.Codes.Select(code => int.Parse(values.Names[code], System.Globalization.CultureInfo.InvariantCulture))];
    }

    private DataSource Source(byte[] images, byte[] labels) =>
        new() { Kind = DataSourceKind.Idx, Images = _folder.Write("images", images), Labels = _folder.Write("labels", labels) };

    private Examples Read(byte[] images, byte[] labels) => DataSetReader.Read(Source(images, labels), Spec, Shape);

    private void AssertRefused(byte[] images, byte[] labels, string message) =>
        Assert.Equal(message, Assert.Throws<DataException>(() => Read(images, labels)).Message);
}
