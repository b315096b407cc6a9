using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Readers;

/// <summary>Data files that are damaged, or made to hurt.</summary>
public sealed class DataFileFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const int MiB = 1 << 20;
    private static readonly byte[] Images = Idx([24, 3, 2], i => (byte)(i * 8));
    private static readonly byte[] Labels = Idx([24], i => (byte)(i % 5));

    private static readonly byte[] Table = Encoding.UTF8.GetBytes("age,sex,note,who,ill\n" + string.Concat(
        Enumerable.Range(0, 24).Select(i => $"{i * 1.5},{(i % 2 == 0 ? "f" : "m")},\"a \"\"{i}\"\", b\",p{i / 2},{(i % 3 == 0 ? "yes" : "no")}\r\n")));

    private static readonly DataSpec TableSpec = new()
    {
        DataSet = "table",
        Columns =
        [
            new ColumnSpec { Name = "age", Kind = ColumnKind.Numeric, Missing = 0 },
            new ColumnSpec { Name = "sex", Kind = ColumnKind.Categorical, Categories = ["f", "m"] },
        ],
        Label = new LabelSpec { Name = "ill", Classes = ["no", "yes"] },
        PrivacyUnitColumn = "who",
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public Task A_mutated_IDX_file_gives_examples_or_a_refusal_that_names_the_file_and_the_place(bool isGzip)
    {
        var (images, labels) = isGzip ? (Gzip(Images), Gzip(Labels)) : (Images, Labels);
        var (isImages, way) = (true, 0);
        return FuzzPlan.RunAsync(
            isGzip ? "idx.gz" : "idx",
            FuzzPlan.Cases(6_000),
            output,
            random =>
            {
                (isImages, way) = (random.NextInt(2) == 0, random.NextInt(3));
                return ByteMutation.Of(isImages ? images : labels, isImages ? labels : images, random);
            },
            bytes =>
            {
                var source = new DataSource
                {
                    Kind = DataSourceKind.Idx,
                    Images = Write("images", isImages ? bytes : images),
                    Labels = Write("labels", isImages ? labels : bytes),
                };
                return Attempt(
                    () => _ = way switch
                    {
                        0 => DataSetReader.Read(source, new DataSpec { DataSet = "d" }, [6], classes: 5).Count,
                        1 => DataSetReader.CountExamples(source),
                        _ => DataSetReader.ReadPartitionBasis(source, new PartitionSpec { Rule = PartitionRule.Shards, ShardsPerClient = 2 }, privacyUnitColumn: null).Count,
                    },
                    "images",
                    "labels",
                    "d: ");
            },
            (_, _) => MiB);
    }

    [Fact]
    public Task A_mutated_CSV_gives_examples_or_a_refusal_that_names_the_file_and_the_place()
    {
        var way = 0;
        return FuzzPlan.RunAsync(
            "csv",
            FuzzPlan.Cases(10_000),
            output,
            random =>
            {
                way = random.NextInt(4);
                return ByteMutation.Of(Table, Table, random);
            },
            bytes =>
            {
                var source = new DataSource { Kind = DataSourceKind.Csv, Path = Write("table.csv", bytes) };
                return Attempt(
                    () => _ = way switch
                    {
                        0 => DataSetReader.CountExamples(source),
                        1 => DataSetReader.ReadPartitionBasis(source, new PartitionSpec { Rule = PartitionRule.Iid }, "who").Count,
                        2 => CsvRows.ReadColumn(source, "sex").Length,
                        _ => DataSetReader.Read(source, TableSpec, [3], classes: 2, withUnits: true).Count,
                    },
                    "table.csv: ");
            },
            (_, _) => MiB);
    }

    [Fact]
    public void A_CSV_of_one_endless_record_is_refused_within_a_few_records_memory()
    {
        // 64 MiB in one quoted field.
        var path = _folder.File("endless.csv");
        using (var file = File.Create(path))
        {
            file.Write("age,sex,note,who,ill\n1,f,\""u8);
            var block = new byte[MiB];
            Array.Fill(block, (byte)'x');
            for (var i = 0; i < 64; i++)
            {
                file.Write(block);
            }
        }

        AssertRefusedWithin(8 * MiB, () => DataSetReader.Read(new DataSource { Kind = DataSourceKind.Csv, Path = path }, TableSpec, [3], classes: 2), "line 2");
    }

    [Fact]
    public void A_CSV_header_of_a_hundred_thousand_names_is_refused_within_a_few_times_its_length()
    {
        var path = Write("wide.csv", Encoding.UTF8.GetBytes(string.Join(',', Enumerable.Range(0, 100_000)) + "\n"));
        AssertRefusedWithin(32 * MiB, () => DataSetReader.Read(new DataSource { Kind = DataSourceKind.Csv, Path = path }, TableSpec, [3], classes: 2), "no column 'age'");
    }

    [Theory]
    [InlineData(0xFFFFFFFF, 1, 1)]
    [InlineData(0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF)]
    [InlineData(100_000, 28, 28)]
    [InlineData(1, 0xFFFFFFFF, 2)]
    public void An_IDX_header_that_promises_gigabytes_is_refused_before_they_are_allocated(uint count, uint rows, uint columns)
    {
        var header = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(header, 0x0803);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), count);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(8), rows);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(12), columns);
        foreach (var file in (byte[][])[header, Gzip(header)])
        {
            var source = new DataSource { Kind = DataSourceKind.Idx, Images = Write("images", file), Labels = Write("labels", Labels) };
            AssertRefusedWithin(MiB, () => DataSetReader.Read(source, new DataSpec { DataSet = "d" }, [784], classes: 10), "images: byte offset");
        }
    }

    [Fact]
    public void A_gzip_bomb_is_read_no_further_than_its_header_promises()
    {
        // 64 MiB of zeros after the five images that are promised, in 64 KiB.
        var source = new DataSource
        {
            Kind = DataSourceKind.Idx,
            Images = Write("images", Gzip([.. Idx([5, 3, 2], _ => 1), .. new byte[64 * MiB]])),
            Labels = Write("labels", Idx([5], _ => 1)),
        };
        AssertRefusedWithin(MiB, () => DataSetReader.Read(source, new DataSpec { DataSet = "d" }, [6], classes: 5), "more than 30 bytes of items");
    }

    private static void AssertRefusedWithin(long bytes, Func<object> read, string named)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Assert.Throws<DataException>(read);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, bytes);
        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
    }

    private static Outcome Attempt(Action read, params string[] named)
    {
        try
        {
            read();
            return Outcome.Taken;
        }
        catch (DataException e)
        {
            Assert.NotEmpty(e.Errors);
            Assert.All(e.Errors, error => Assert.True(named.Any(name => error.Contains(name, StringComparison.Ordinal)), error));
            return Outcome.Refused;
        }
    }

    private static byte[] Idx(int[] shape, Func<int, byte> value)
    {
        var file = new byte[4 + (4 * shape.Length) + shape.Aggregate((a, b) => a * b)];
        BinaryPrimitives.WriteInt32BigEndian(file, 0x0800 + shape.Length);
        for (var i = 0; i < shape.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + (4 * i)), shape[i]);
        }

        for (var i = 4 + (4 * shape.Length); i < file.Length; i++)
        {
            file[i] = value(i);
        }

        return file;
    }

    private static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    private string Write(string name, byte[] content)
    {
        File.WriteAllBytes(_folder.File(name), content);
        return _folder.File(name);
    }
}
