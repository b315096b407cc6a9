using System.Buffers.Binary;
using System.Text;
using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Admission;

public sealed class UpdateInspectionTests : IDisposable
{
    private static readonly ModelLayout Layout = Messages.Model.Layout;
    private static readonly byte[] Good = Messages.Bytes(Messages.Delta("anna"));
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_good_update_has_no_defect() => Assert.Null(Inspect(Good));

    [Fact]
    public void Tensors_in_another_order_and_a_longer_header_are_no_defect()
    {
        var file = File("""{"0.bias":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},   "0.weight":{"dtype":"F32","shape":[3,4],"data_offsets":[12,60]}}""", 15);
        Assert.Null(Inspect(file));
    }

    [Fact]
    public void A_missing_update_is_named() => AssertDefect(
        UpdateInspection.Inspect(null, Messages.RefOf(Good), Layout, largestNorm: null), RejectionCode.BlobMismatch, "is not in the update store", Messages.RefOf(Good).Sha256);

    [Theory, InlineData(-1), InlineData(1)]
    public void A_file_of_another_length_than_announced_is_named_with_both(int more)
    {
        var announced = Messages.RefOf(Good) with { SizeBytes = Good.Length + more };
        AssertDefect(Inspect(Good, announced), RejectionCode.BlobMismatch, $"of {Good.Length + more} bytes", $"has {Good.Length} bytes");
    }

    [Fact]
    public void Bytes_of_another_hash_are_named_with_both()
    {
        var announced = Messages.RefOf(Good) with { Sha256 = new string('0', 64) };
        AssertDefect(Inspect(Good, announced), RejectionCode.BlobMismatch, new string('0', 64), Messages.RefOf(Good).Sha256);
    }

    [Fact]
    public void A_file_larger_than_the_model_allows_is_refused_before_it_is_looked_at()
    {
        var largest = UpdateInspection.LargestBytes(Layout);
        AssertDefect(UpdateInspection.Inspect(null, Messages.Blob('a') with { SizeBytes = largest + 1 }, Layout, largestNorm: null), RejectionCode.TooLarge, $"{largest + 1} bytes", $"at most {largest}");
        AssertDefect(UpdateInspection.Inspect(null, Messages.Blob('a') with { SizeBytes = largest }, Layout, largestNorm: null), RejectionCode.BlobMismatch, "is not in the update store");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void An_element_that_is_not_finite_is_named_with_its_tensor(float value)
    {
        var delta = Messages.Delta("anna");
        delta[6] = value;
        AssertDefect(Inspect(Messages.Bytes(delta)), RejectionCode.NotFinite, "Element 6 of tensor 0.weight is not finite.");

        delta = Messages.Delta("anna");
        delta[^1] = value;
        AssertDefect(Inspect(Messages.Bytes(delta)), RejectionCode.NotFinite, "Element 2 of tensor 0.bias is not finite.");
    }

    [Fact]
    public void A_single_NaN_deep_in_a_large_tensor_is_found()
    {
        var layout = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [784], Outputs = 200 }).Layout;
        var delta = Messages.Values("large", layout.Length);
        delta[100_003] = float.NaN;
        AssertDefect(Inspect(SafetensorsWriter.Write(layout, delta), layout: layout), RejectionCode.NotFinite, "Element 100003 of tensor 0.weight");
    }

    [Fact]
    public void The_largest_and_smallest_floats_are_finite()
    {
        var delta = Messages.Delta("anna");
        (delta[0], delta[1], delta[2], delta[3]) = (float.MaxValue, float.MinValue, float.Epsilon, -0f);
        Assert.Null(Inspect(Messages.Bytes(delta)));
    }

    [Fact]
    public void A_wrong_shape_names_the_tensor_and_both_shapes()
    {
        var other = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [5], Outputs = 3 }).Layout;
        AssertDefect(Inspect(SafetensorsWriter.Write(other, new float[18])), RejectionCode.WrongLayout, "\"0.weight\"", "[3, 5]", "[3, 4]");
    }

    [Fact]
    public void The_same_elements_in_another_shape_are_no_layout_of_the_model() => AssertDefect(
        Inspect(File("""{"0.weight":{"dtype":"F32","shape":[4,3],"data_offsets":[0,48]},"0.bias":{"dtype":"F32","shape":[3],"data_offsets":[48,60]}}""", 15)),
        RejectionCode.WrongLayout,
        "[4, 3]",
        "[3, 4]");

    [Fact]
    public void A_missing_tensor_and_an_additional_one_are_named()
    {
        AssertDefect(
            Inspect(File("""{"0.weight":{"dtype":"F32","shape":[3,4],"data_offsets":[0,48]}}""", 12)), RejectionCode.WrongLayout, "\"0.bias\" is missing", "[3]");
        AssertDefect(
            Inspect(File(
                """
                {"0.weight":{"dtype":"F32","shape":[3,4],"data_offsets":[0,48]},"0.bias":{"dtype":"F32","shape":[3],"data_offsets":[48,60]},
                "1.bias":{"dtype":"F32","shape":[1],"data_offsets":[60,64]}}
                """,
                16)),
            RejectionCode.WrongLayout,
            "\"1.bias\"");
    }

    [Fact]
    public void A_truncated_file_is_malformed()
    {
        foreach (var length in new[] { 0, 7, 8, 40, Good.Length - 60, Good.Length - 1 })
        {
            AssertDefect(Inspect(Good[..length]), RejectionCode.Malformed);
        }
    }

    [Fact]
    public void Bytes_behind_the_last_tensor_are_malformed() => AssertDefect(Inspect([.. Good, 0]), RejectionCode.Malformed, "expected its end at");

    [Fact]
    public void A_header_length_of_10_GB_allocates_nothing_like_it()
    {
        var file = Good.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(file, 10_000_000_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var defect = Inspect(file);

        AssertDefect(defect, RejectionCode.Malformed, "A header of 10000000000 bytes");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData((ulong)long.MaxValue)]
    [InlineData(0)]
    public void A_senseless_header_length_is_malformed(ulong length)
    {
        var file = Good.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        AssertDefect(Inspect(file), RejectionCode.Malformed);
    }

    [Theory]
    [InlineData("[0,48]", "[44,56]", "begins at byte 44")]
    [InlineData("[0,48]", "[0,12]", "begins at byte")]
    [InlineData("[0,48]", "[52,64]", "begins at byte 52")]
    [InlineData("[0,48]", "[60,48]", "[60, 48]")]
    [InlineData("[0,48]", "[48,9000000000]", "[48, 9000000000]")]
    [InlineData("[-48,0]", "[48,60]", "data_offsets")]
    public void Offsets_that_overlap_leave_a_gap_or_leave_the_file_are_malformed(string weight, string bias, string detail) => AssertDefect(
        Inspect(File($$$"""{"0.weight":{"dtype":"F32","shape":[3,4],"data_offsets":{{{weight}}}},"0.bias":{"dtype":"F32","shape":[3],"data_offsets":{{{bias}}}}}""", 16)),
        RejectionCode.Malformed,
        detail);

    [Fact]
    public void Another_type_of_numbers_is_malformed() => AssertDefect(
        Inspect(File("""{"0.weight":{"dtype":"F64","shape":[3,2],"data_offsets":[0,48]},"0.bias":{"dtype":"F32","shape":[3],"data_offsets":[48,60]}}""", 15)),
        RejectionCode.Malformed,
        "F64");

    [Theory, InlineData("not json"), InlineData("{\"0.weight\":"), InlineData("[]"), InlineData("{\"a\":{}}"), InlineData("{\"\\ud800\":{}}")]
    public void A_header_that_is_no_object_of_tensors_is_malformed(string header) => AssertDefect(Inspect(File(header, 15)), RejectionCode.Malformed);

    private BlobDefect? Inspect(byte[] bytes, BlobRef? announced = null, ModelLayout? layout = null)
    {
        var path = _folder.File(Guid.NewGuid().ToString("N"));
        System.IO.File.WriteAllBytes(path, bytes);
        using var file = System.IO.File.OpenRead(path);
        return UpdateInspection.Inspect(file, announced ?? Messages.RefOf(bytes), layout ?? Layout, largestNorm: null);
    }

    private static byte[] File(string header, int values)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + text.Length + (4 * values)];
        BinaryPrimitives.WriteInt64LittleEndian(file, text.Length);
        text.CopyTo(file, 8);
        return file;
    }

    private static void AssertDefect(BlobDefect? defect, string code, params ReadOnlySpan<string> words)
    {
        Assert.NotNull(defect);
        Assert.Equal(code, defect.ReasonCode);
        foreach (var word in words)
        {
            Assert.Contains(word, defect.Detail, StringComparison.Ordinal);
        }
    }
}
