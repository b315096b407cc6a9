using System.Text;
using FlEvents.Contracts;
using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Data.Tests;

/// <summary>Random mutations of good files: reading either succeeds or ends in a <see cref="DataException"/>, and never in anything else.</summary>
public sealed class FuzzTests : IDisposable
{
    private readonly DataFiles _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public void A_mutated_idx_file_gives_examples_or_a_data_exception(bool gzip)
    {
        var images = IdxTests.Images(5, 3, 2, [.. Enumerable.Range(0, 30).Select(i => (byte)(i * 8))]);
        var labels = IdxTests.Labels(5, 0, 1, 2, 3, 4);
        var random = SeededRandom.Derive(1, "fuzz-idx", gzip);
        var refused = 0;
        for (var i = 0; i < 1500; i++)
        {
            var source = new DataSource
            {
                Kind = DataSourceKind.Idx,
                Images = _folder.Write("images", Mutated(gzip ? DataFiles.Gzip(images) : images, random)),
                Labels = _folder.Write("labels", i % 2 == 0 ? labels : Mutated(gzip ? DataFiles.Gzip(labels) : labels, random)),
            };
            refused += Refused(() => DataSetReader.Read(source, new DataSpec { DataSet = "d" }, [6], classes: 5)) ? 1 : 0;
            Refused(() => DataSetReader.CountExamples(source));
        }

        Assert.InRange(refused, 300, 1499);
    }

    [Fact]
    public void A_mutated_csv_gives_examples_or_a_data_exception()
    {
        var rows = Enumerable.Range(0, 12).Select(i => $"{i * 1.5},{(i % 2 == 0 ? "f" : "m")},\"a \"\"{i}\"\", b\",{(i % 3 == 0 ? "yes" : "no")}\r\n");
        var text = Encoding.UTF8.GetBytes("age,sex,note,ill\n" + string.Concat(rows));
        var spec = new DataSpec
        {
            DataSet = "d",
            Columns =
            [
                new ColumnSpec { Name = "age", Kind = ColumnKind.Numeric, Missing = 0 },
                new ColumnSpec { Name = "sex", Kind = ColumnKind.Categorical, Categories = ["f", "m"] },
            ],
            Label = new LabelSpec { Name = "ill", Classes = ["no", "yes"] },
        };
        var random = SeededRandom.Derive(1, "fuzz-csv");
        var refused = 0;
        for (var i = 0; i < 3000; i++)
        {
            var source = new DataSource { Kind = DataSourceKind.Csv, Path = _folder.Write("table.csv", Mutated(text, random)) };
            refused += Refused(() =>
            {
                var examples = DataSetReader.Read(source, spec, [3], classes: 2);
                Assert.Equal(DataSetReader.CountExamples(source), examples.Count);
            })
                ? 1
                : 0;
            Refused(() => CsvRows.ReadColumn(source, "sex"));
        }

        Assert.InRange(refused, 600, 2999);
    }

    private static bool Refused(Action read)
    {
        try
        {
            read();
            return false;
        }
        catch (DataException e)
        {
            Assert.NotEmpty(e.Errors);
            return true;
        }
    }

    /// <summary>One to four changes: a byte set, a bit flipped, bytes removed, bytes doubled, a telling character put in, or the end cut off.</summary>
    private static byte[] Mutated(byte[] content, SeededRandom random)
    {
        List<byte> bytes = [.. content];
        for (var changes = 1 + random.NextInt(4); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.NextInt(bytes.Count);
            var length = Math.Min(1 + random.NextInt(8), bytes.Count - at);
            switch (random.NextInt(6))
            {
                case 0:
                    bytes[at] = (byte)random.NextInt(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.NextInt(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 4:
                    bytes.Insert(at, "\",\n\r\0 -e.\u00FF"u8[random.NextInt(10)]);
                    break;
                default:
                    bytes.RemoveRange(at, random.NextInt(4) == 0 ? bytes.Count - at : length);
                    break;
            }
        }

        return [.. bytes];
    }
}
