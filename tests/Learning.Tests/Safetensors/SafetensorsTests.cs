using System.Buffers.Binary;
using System.Text;
using FlEvents.Learning.Models;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Safetensors;
using FlEvents.Learning.Tests.Layers;

namespace FlEvents.Learning.Tests.Safetensors;

public sealed class SafetensorsTests
{
    private static readonly ModelLayout Layout = new([("0.weight", [2, 3]), ("0.bias", [2]), ("2.weight", [1, 2]), ("2.bias", [1])]);
    private static readonly float[] Weights = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

    [Fact]
    public void A_file_has_exactly_the_bytes_of_the_format()
    {
        var file = SafetensorsWriter.Write(new ModelLayout([("a", [2])]), [1f, -2f]);

        // The header's text of 56 bytes needs no padding to end at a multiple of 8.
        const string Header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
        var padded = Header.PadRight((Header.Length + 7) / 8 * 8);
        Assert.Equal(padded.Length, BinaryPrimitives.ReadInt64LittleEndian(file));
        Assert.Equal(padded, Encoding.ASCII.GetString(file, 8, padded.Length));
        Assert.Equal("0000803F000000C0", Convert.ToHexString(file.AsSpan(8 + padded.Length)));
    }

    [Fact]
    public void What_is_written_is_read_back_and_the_bytes_are_always_the_same()
    {
        var file = SafetensorsWriter.Write(Layout, Weights);
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(Layout, Weights, stream);
        Assert.Equal(file, stream.ToArray());
        Assert.Equal(file.Length, SafetensorsWriter.FileLength(Layout));
        var header = Read(file);
        Assert.Null(header.CheckLayout(Layout));
        Assert.Equal(0, header.Tensors[0].Begin % 8);
        Assert.Equal(["0.weight", "0.bias", "2.weight", "2.bias"], header.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(Weights, header.ReadWeights(new MemoryStream(file), Layout));
    }

    [Fact]
    public void Every_slice_of_the_parameter_vector_can_be_read_alone()
    {
        var file = SafetensorsWriter.Write(Layout, Weights);
        var header = Read(file);
        for (var from = 0; from <= Weights.Length; from++)
        {
            for (var to = from; to <= Weights.Length; to++)
            {
                var slice = new float[to - from];
                header.ReadSlice(new MemoryStream(file), Layout, from, slice);
                Assert.Equal(Weights[from..to], slice);
            }
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => header.ReadSlice(new MemoryStream(file), Layout, 11, new float[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => header.ReadSlice(new MemoryStream(file), Layout, -1, new float[1]));
    }

    [Fact]
    public void Tensors_in_another_order_and_metadata_are_read_all_the_same()
    {
        var file = File(
            """
            {"__metadata__":{"format":"pt"},"a":{"shape":[1],"data_offsets":[4,8],"dtype":"F32"},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}
            """,
            1f,
            2f);
        var layout = new ModelLayout([("a", [1]), ("b", [])]);
        Assert.Equal([2f, 1f], Read(file).ReadWeights(new MemoryStream(file), layout));
        Assert.Equal(["b", "a"], Read(file).Tensors.Select(tensor => tensor.Name));
    }

    [Fact]
    public void A_layout_that_differs_is_told_with_the_tensor_and_both_shapes()
    {
        var file = SafetensorsWriter.Write(Layout, Weights);
        string? Check(params (string, IReadOnlyList<int>)[] tensors) => Read(file).CheckLayout(new ModelLayout(tensors));
        Assert.Equal("The tensor \"0.weight\" has the shape [2, 3]; expected [3, 2].", Check(("0.weight", [3, 2])));
        Assert.Equal("The tensor \"1.weight\" is missing; expected [4].", Check(("1.weight", [4])));
        Assert.Equal("The tensor \"2.bias\" of shape [1] is not one of the model's.", Check(("0.weight", [2, 3]), ("0.bias", [2]), ("2.weight", [1, 2])));
        Assert.Throws<SafetensorsException>(() => Read(file).ReadWeights(new MemoryStream(file), new ModelLayout([("0.weight", [3, 2])])));
    }

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity), InlineData(float.NegativeInfinity)]
    public void The_first_element_that_is_not_finite_is_found_with_its_tensor(float bad)
    {
        var layout = new ModelLayout([("small", [3]), ("large", [5, 10_000])]);
        var weights = LayerCases.Random("weights", layout.Length);
        weights[0] = float.MaxValue;
        weights[1] = -float.Epsilon;
        Assert.Null(FirstNonFinite(layout, weights));
        foreach (var index in new[] { 49_999, 40_001, 16_391, 16_384, 16_383, 7, 0 })
        {
            weights[3 + index] = bad;
            Assert.Equal(new NonFiniteElement("large", index), FirstNonFinite(layout, weights));
        }

        weights[2] = bad;
        Assert.Equal(new NonFiniteElement("small", 2), FirstNonFinite(layout, weights));
    }

    [Fact]
    public void A_summary_gives_norms_and_ranges()
    {
        var layout = new ModelLayout([("a", [2]), ("b", [40_000]), ("c", [3])]);
        var weights = new float[layout.Length];
        weights.AsSpan(2, 40_000).Fill(0.5f);
        (weights[0], weights[1], weights[^1], weights[^2]) = (3, -4, float.NaN, 7);
        var file = SafetensorsWriter.Write(layout, weights);
        var summaries = Read(file).Summarize(new MemoryStream(file));
        Assert.Equal([5.0, 100.0, double.NaN], summaries.Select(summary => summary.Norm));
        Assert.Equal((-4f, 3f, 0L), (summaries[0].Least, summaries[0].Largest, summaries[0].NonFiniteCount));
        Assert.Equal((0f, 7f, 1L), (summaries[2].Least, summaries[2].Largest, summaries[2].NonFiniteCount));
    }

    [Theory]
    [InlineData("", "byte")]
    [InlineData("[]", "StartArray")]
    [InlineData("{", "JSON")]
    [InlineData("{} {}", "JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}""", "twice")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}""", "unknown")]
    [InlineData("""{"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}""", "expected F32")]
    [InlineData("""{"a":{"dtype":1,"shape":[2],"data_offsets":[0,8]}}""", "Number")]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""", "missing")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "whole numbers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}""", "JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}""", "at most 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4,2],"data_offsets":[0,8]}}""", "four an element")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807,9223372036854775807],"data_offsets":[0,8]}}""", "four an element")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}}""", "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}""", "four an element")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "within the 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}""", "within the 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", "within the 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", "at most 2")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "begins at byte 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "end at byte 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "begins at byte 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "begins at byte 0")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "Unicode")]
    [InlineData("""{"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "__metadata__")]
    [InlineData("""{"__metadata__":{"a":{"b":{"c":{}}}}}""", "__metadata__")]
    public void A_header_that_is_not_well_formed_is_refused_with_a_reason(string json, string reason) =>
        Assert.Contains(reason, Assert.Throws<SafetensorsException>(() => Read(File(json, 1f, 2f))).Message, StringComparison.Ordinal);

    [Theory, InlineData(0x100001UL), InlineData(ulong.MaxValue), InlineData(9UL)]
    public void A_length_of_the_header_beyond_the_limit_or_the_file_is_refused_before_it_is_read(ulong length)
    {
        var file = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        Assert.Contains($"A header of {length} bytes", Assert.Throws<SafetensorsException>(() => Read(file)).Message, StringComparison.Ordinal);
        Assert.Throws<SafetensorsException>(() => Read(new byte[7]));

        // A file shorter than it was said to be.
        Assert.Throws<SafetensorsException>(() => SafetensorsHeader.Read(new MemoryStream(new byte[4]), 100));
    }

    [Fact]
    public void A_hostile_name_is_shown_short_and_plain()
    {
        var file = File($$$"""{"\n\u202e{{{new string('x', 500)}}}":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}""", 1f, 2f);
        var message = Assert.Throws<SafetensorsException>(() => Read(file)).Message;
        Assert.Contains("\"??xxx", message, StringComparison.Ordinal);
        Assert.True(message.Length < 150, message);
    }

    [Fact]
    public void Random_damage_to_a_file_gives_an_exception_of_one_type_or_none_and_allocates_no_more_than_the_file()
    {
        var valid = SafetensorsWriter.Write(Layout, Weights);
        var random = SeededRandom.Derive(1, "damage");
        Read(valid);
        var refused = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var file = Damaged(valid, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                var header = Read(file);
                header.FirstNonFinite(new MemoryStream(file));
                header.Summarize(new MemoryStream(file));
                header.ReadWeights(new MemoryStream(file), Layout);
            }
            catch (SafetensorsException)
            {
                refused++;
            }

            // Two buffers of 64 KiB, the tensors' records, and an exception with its message and stack.
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 250_000);
        }

        Assert.InRange(refused, 10_000, 20_000);
    }

    private static byte[] Damaged(byte[] valid, SeededRandom random)
    {
        var file = valid.AsSpan(0, random.NextInt(10) == 0 ? random.NextInt(valid.Length + 1) : valid.Length).ToArray();
        for (var count = 1 + random.NextInt(4); count > 0 && file.Length > 0; count--)
        {
            // Half of the damage puts a character of the format where it does not belong.
            var at = random.NextInt(file.Length);
            file[at] = random.NextInt(2) == 0 ? (byte)random.NextInt(256) : (byte)"{}[]\":,0189-.eF\\"[random.NextInt(16)];
        }

        return file;
    }

    private static NonFiniteElement? FirstNonFinite(ModelLayout layout, float[] weights)
    {
        var file = SafetensorsWriter.Write(layout, weights);
        return Read(file).FirstNonFinite(new MemoryStream(file));
    }

    private static SafetensorsHeader Read(byte[] file) => SafetensorsHeader.Read(new MemoryStream(file), file.Length);

    private static byte[] File(string json, params float[] data)
    {
        var text = Encoding.UTF8.GetBytes(json);
        var file = new byte[8 + text.Length + (data.Length * 4)];
        BinaryPrimitives.WriteInt64LittleEndian(file, text.Length);
        text.CopyTo(file, 8);
        Buffer.BlockCopy(data, 0, file, 8 + text.Length, data.Length * 4);
        return file;
    }
}
