using System.Text;
using CsvHelper;

namespace FlEvents.Learning.Data;

/// <summary>
/// The records of a CSV file one by one: UTF-8, comma, RFC 4180 quotes, a header line; blank lines are passed over, blanks around fields dropped.
/// </summary>
internal sealed class CsvFile : IDisposable
{
    // An unclosed quote would otherwise make a record of the whole rest of the file.
    private const int MaximumRecordBytes = 1 << 20;

    private static readonly CsvReaderOptions Options = new()
    {
        Separator = ',',
        HasHeader = false,
        TrimWhitespace = true,
        TrackLineNumbers = true,
        MaxRecordSize = MaximumRecordBytes,
        MalformedData = CsvMalformedDataHandling.Throw,

        // A pooled string costs 3 KB of garbage at each field that is read, a plain one its own length.
        PoolStrings = false,
    };

    private readonly CsvReader _reader;
    private readonly Dictionary<string, int> _fields = new(StringComparer.Ordinal);
    private long _headerLine;

    private CsvFile(string path)
    {
        Errors = new DataErrors(path);
        _reader = CsvReader.Create(DataErrors.Open(path), Options, leaveOpen: false);
    }

    public DataErrors Errors { get; }

    /// <summary>Line on which the current record starts, from 1; a quoted field may go on over further lines.</summary>
    public long Line => _reader.LineNumber;

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="DataException">There is no header, or a name is in it twice.</exception>
    public static CsvFile Open(string path)
    {
        var file = new CsvFile(path);
        try
        {
            file.ReadHeader();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Goes to the next record; false after the last.</summary>
    /// <exception cref="DataException">Quotes are malformed or the record is too long.</exception>
    public bool Read()
    {
        try
        {
            return _reader.Read();
        }
        catch (CsvFormatException e)
        {
            throw Errors.Fatal(
                $"line {e.LineNumber}: {e.Message.TrimEnd('.')}; expected fields quoted as in RFC 4180 and records of at most {MaximumRecordBytes} bytes.");
        }
    }

    /// <summary>Whether the current record has as many fields as the header; adds an error if not.</summary>
    public bool HasAllFields()
    {
        if (_reader.FieldCount != _fields.Count)
        {
            Errors.Add($"line {Line}: {_reader.FieldCount} fields; expected {_fields.Count}, as in the header.");
            return false;
        }

        return true;
    }

    /// <summary>Position of a column, or −1 with an error added.</summary>
    public int Field(string column)
    {
        if (_fields.TryGetValue(column, out var field))
        {
            return field;
        }

        Errors.Add($"line {_headerLine}: no column {DataErrors.Shown(column)}; expected it among {Names()}.");
        return -1;
    }

    /// <summary>Whether the header has a column.</summary>
    public bool Has(string column) => _fields.ContainsKey(column);

    public string Text(int field) => _reader.GetString(field);

    public ReadOnlySpan<byte> Utf8(int field) => _reader.GetSpan(field);

    /// <summary>Adds an error about the value of a field.</summary>
    public void Refuse(string column, int field, string expected) =>
        Errors.Add($"line {Line}, column {DataErrors.Shown(column)}: value {DataErrors.Shown(Text(field))}; expected {expected}.");

    /// <summary>Adds an error about a value that is missing.</summary>
    public void RefuseMissing(string column, string expected) =>
        Errors.Add($"line {Line}, column {DataErrors.Shown(column)}: the value is missing; expected {expected}.");

    public void Dispose() => _reader.Dispose();

    private void ReadHeader()
    {
        if (!Read())
        {
            throw Errors.Fatal("line 1: the file is empty; expected a header line.");
        }

        _headerLine = Line;
        for (var i = 0; i < _reader.FieldCount; i++)
        {
            if (!_fields.TryAdd(Text(i), i))
            {
                Errors.Add($"line {Line}: column {DataErrors.Shown(Text(i))} is in the header twice; expected each name once.");
            }
        }

        Errors.ThrowIfAny();
    }

    private string Names()
    {
        var names = new StringBuilder();
        foreach (var name in _fields.Keys)
        {
            if (names.Length > 200)
            {
                return names.Append(", …").ToString();
            }

            names.Append(names.Length == 0 ? "" : ", ").Append(DataErrors.Shown(name));
        }

        return names.ToString();
    }
}
