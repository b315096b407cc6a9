using FlEvents.Contracts;

namespace FlEvents.Learning.Data.Tests;

public sealed class CsvTests : IDisposable
{
    private static readonly DataSpec Spec = new()
    {
        DataSet = "patients",
        Columns =
        [
            new ColumnSpec { Name = "age", Kind = ColumnKind.Numeric, Mean = 50, Scale = 10 },
            new ColumnSpec { Name = "sex", Kind = ColumnKind.Categorical, Categories = ["f", "m"] },
            new ColumnSpec { Name = "city", Kind = ColumnKind.Categorical, Categories = ["Oslo", "NA"], Other = true },
            new ColumnSpec { Name = "dose", Kind = ColumnKind.Numeric, Mean = 1, Scale = 2, Missing = 5 },
        ],
        Label = new LabelSpec { Name = "ill", Classes = ["no", "yes"] },
    };

    private readonly DataFiles _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Values_are_scaled_and_categories_one_hot_in_declared_order()
    {
        var examples = Read(
            """
            city,ill,age,id,sex,dose
            Oslo,yes,60,1,m,3
            "Rome, old",no,45,2,f,
            NA,no,5.0e1,3,f,-1
            """);

        Assert.Equal((3, 7), (examples.Count, examples.InputSize));
        Assert.Equal([1f, 0f, 1f, 1f, 0f, 0f, 1f], examples.Input(0).ToArray());
        Assert.Equal([-0.5f, 1f, 0f, 0f, 0f, 1f, 2f], examples.Input(1).ToArray());
        Assert.Equal([0f, 1f, 0f, 0f, 1f, 0f, -1f], examples.Input(2).ToArray());
        Assert.Equal([1, 0, 0], new[] { examples.Class(0), examples.Class(1), examples.Class(2) });
    }

    [Theory, InlineData(""), InlineData("NA"), InlineData("n/a"), InlineData("NaN"), InlineData("NULL"), InlineData("?"), InlineData("  "), InlineData("\"\"")]
    public void A_missing_number_takes_its_replacement_before_scaling(string missing) =>
        Assert.Equal(2f, Read($"age,sex,city,dose,ill\n50,f,Oslo,{missing},no\n").Input(0)[6]);

    [Fact]
    public void A_label_without_classes_is_a_scaled_number()
    {
        var spec = Spec with { Columns = [Spec.Columns![0]], Label = new LabelSpec { Name = "price", Mean = 100, Scale = 50 } };

        var examples = DataSetReader.Read(Source("age,price\n50,200\n60,75\n"), spec, [1]);

        Assert.False(examples.HasClasses);
        Assert.Equal((2f, -0.5f), (examples.Target(0), examples.Target(1)));
    }

    [Fact]
    public void Blank_lines_blanks_around_fields_byte_order_marks_and_line_ends_do_not_matter()
    {
        var plain = Read("age,sex,city,dose,ill\n60,m,Oslo,3,yes\n");
        var other = Read("\uFEFF age , sex,city,dose,ill\r\n\r\n 60 , m ,\"Oslo\", 3,yes\r\n   \r\n\r\n");

        Assert.Equal(1, other.Count);
        Assert.Equal(plain.Input(0).ToArray(), other.Input(0).ToArray());
    }

    [Fact]
    public void Every_wrong_value_is_named_with_line_and_column()
    {
        var errors = Refused(
            "age,sex,city,dose,ill\n" +
            "old,m,Oslo,3,yes\n" +
            "\n" +
            "60,x,\"two\nlines\",3,yes\n" +
            "NA,m,Oslo,1e999,perhaps\n" +
            "1,m,Oslo,3\n" +
            "1,m,Oslo,3,yes,more\n" +
            "\"1,5\",m,Oslo,Infinity,\n" +
            "1e300,m,Oslo,3,yes\n");

        Assert.Equal(
            [
                "table.csv: line 2, column 'age': value 'old'; expected a finite number.",
                "table.csv: line 4, column 'sex': value 'x'; expected one of the 2 declared categories (there is no slot for others).",
                "table.csv: line 6, column 'age': value 'NA'; expected a number (the column declares no replacement for missing values).",
                "table.csv: line 6, column 'dose': value '1e999'; expected a finite number.",
                "table.csv: line 6, column 'ill': value 'perhaps'; expected one of the 2 declared classes.",
                "table.csv: line 7: 4 fields; expected 5, as in the header.",
                "table.csv: line 8: 6 fields; expected 5, as in the header.",
                "table.csv: line 9, column 'age': value '1,5'; expected a finite number.",
                "table.csv: line 9, column 'dose': value 'Infinity'; expected a finite number.",
                "table.csv: line 9, column 'ill': value ''; expected one of the 2 declared classes.",
                "table.csv: line 10, column 'age': value '1e300'; expected a number that fits a 32-bit float after scaling (mean 50, scale 10).",
            ],
            errors);
    }

    [Fact]
    public void Reading_stops_after_twenty_errors()
    {
        var errors = Refused("age,sex,city,dose,ill\n" + string.Concat(Enumerable.Repeat("x,m,Oslo,3,yes\n", 50)));

        Assert.Equal(21, errors.Count);
        Assert.StartsWith("table.csv: line 21, column 'age'", errors[19], StringComparison.Ordinal);
        Assert.Equal("table.csv: reading stopped after 20 errors.", errors[20]);
    }

    [Fact]
    public void A_long_or_unprintable_value_is_cut_to_one_line()
    {
        var error = Assert.Single(Refused($"age,sex,city,dose,ill\n\"a\n{new string('b', 100)}\",m,Oslo,3,yes\n"));

        Assert.Equal($"table.csv: line 2, column 'age': value 'a\uFFFD{new string('b', 58)}…'; expected a finite number.", error);
    }

    [Fact]
    public void Missing_and_duplicate_columns_are_named()
    {
        Assert.Equal(
            [
                "table.csv: line 2: no column 'dose'; expected it among 'age', 'sex', 'city', 'Ill'.",
                "table.csv: line 2: no column 'ill'; expected it among 'age', 'sex', 'city', 'Ill'.",
            ],
            Refused("\nage,sex,city,Ill\n"));
        Assert.Equal(
            ["table.csv: line 1: column 'age' is in the header twice; expected each name once."],
            Refused("age,sex,city,dose,ill,age\n"));
        Assert.Equal(["table.csv: line 1: the file is empty; expected a header line."], Refused(""));
    }

    [Theory]
    [InlineData("6\"0,m,Oslo,3,yes\n", "a quote inside an unquoted field")]
    [InlineData("\"60\"1,m,Oslo,3,yes\n", "text after the closing quote")]
    [InlineData("\"60,m,Oslo,3,yes\n", "a quoted field that is never closed")]
    public void Malformed_quotes_are_named_with_their_line_after_the_errors_before(string row, string reason)
    {
        var errors = Refused("age,sex,city,dose,ill\nx,m,Oslo,3,yes\n" + row);

        Assert.Equal(2, errors.Count);
        Assert.StartsWith("table.csv: line 3: ", errors[1], StringComparison.Ordinal);
        Assert.Contains(reason, errors[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_longer_than_the_limit_is_refused() =>
        Assert.Contains("line 2: ", Assert.Single(Refused("age,sex,city,dose,ill\n\"" + new string('x', 3_000_000))), StringComparison.Ordinal);

    [Fact]
    public void The_columns_must_give_as_many_inputs_as_the_model_takes() =>
        Assert.Equal(
            "patients: the columns give 7 inputs; the model's inputShape [4] has 4.",
            Assert.Throws<DataException>(() => DataSetReader.Read(Source("age\n"), Spec, [4])).Message);

    [Fact]
    public void A_declaration_that_makes_no_sense_is_refused_with_every_error()
    {
        var spec = Spec with
        {
            Columns =
            [
                new ColumnSpec { Name = "age", Kind = ColumnKind.Numeric, Scale = 0 },
                new ColumnSpec { Name = "ill", Kind = ColumnKind.Categorical, Categories = ["a", "a"] },
                new ColumnSpec { Name = "sex", Kind = ColumnKind.Categorical },
                new ColumnSpec { Name = "dose", Kind = ColumnKind.Numeric, Missing = 1e300 },
            ],
        };

        Assert.Equal(
            [
                "patients: column 'ill' is declared 2 times among columns and label; expected once.",
                "patients: column 'age': mean 0 and scale 0; expected finite numbers, the scale above 0.",
                "patients: column 'ill': 'a' is among the categories 2 times; expected once.",
                "patients: column 'sex' has no categories; expected at least one.",
                "patients: column 'dose': missing is 1E+300; expected a number that fits a 32-bit float after scaling.",
                "patients: the label is one of 2 classes; the model tells 3 classes apart.",
            ],
            Assert.Throws<DataException>(() => DataSetReader.Read(Source("x\n"), spec, [4], classes: 3)).Errors);
        Assert.Equal(
            "patients: a CSV needs columns and a label; label is missing.",
            Assert.Throws<DataException>(() => DataSetReader.Read(Source("x\n"), Spec with { Label = null }, [4])).Message);
    }

    [Fact]
    public void Skip_and_take_choose_rows_and_the_count_agrees()
    {
        var source = Source("age,sex,city,dose,ill\nbad,m,Oslo,3,yes\n\n60,m,Oslo,3,yes\n70,m,Oslo,3,no\n80,m,Oslo,3,no\n");

        var middle = DataSetReader.Read(source with { Skip = 1, Take = 2 }, Spec, [7]);

        Assert.Equal((1f, 2f), (middle.Input(0)[0], middle.Input(1)[0]));
        Assert.Equal(4, DataSetReader.CountExamples(source));
        Assert.Equal(3, DataSetReader.CountExamples(source with { Skip = 1 }));
        Assert.Equal(2, DataSetReader.CountExamples(source with { Skip = 1, Take = 2 }));
        foreach (var beyond in new[] { source with { Skip = 1, Take = 4 }, source with { Skip = 4 } })
        {
            var message = Assert.Throws<DataException>(() => DataSetReader.Read(beyond, Spec, [7])).Message.Split('\n')[^1];
            Assert.Contains("of 4 examples; expected", message, StringComparison.Ordinal);
            Assert.Equal(message, Assert.Throws<DataException>(() => DataSetReader.CountExamples(beyond)).Message);
        }
    }

    [Fact]
    public void A_column_is_read_in_the_order_of_the_rows()
    {
        var source = Source("hospital,x\nb,1\n\"a, old\",2\nb,3\nc,4\n") with { Skip = 1, Take = 3 };

        Assert.Equal(["a, old", "b", "c"], CsvRows.ReadColumn(source, "hospital"));
        Assert.Contains("no column 'clinic'", Assert.Throws<DataException>(() => CsvRows.ReadColumn(source, "clinic")).Message, StringComparison.Ordinal);
        Assert.Equal(
            "table.csv: line 3, column 'hospital': value ''; expected a value, since the data set is split by this column.",
            Assert.Throws<DataException>(() => CsvRows.ReadColumn(Source("hospital,x\nb,1\n,2\n"), "hospital")).Message);
    }

    private DataSource Source(string text) => new() { Kind = DataSourceKind.Csv, Path = _folder.Write("table.csv", text) };

    private Examples Read(string text) => DataSetReader.Read(Source(text), Spec, [7]);

    private IReadOnlyList<string> Refused(string text) => Assert.Throws<DataException>(() => Read(text)).Errors;
}
