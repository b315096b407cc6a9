namespace FlEvents.Learning.Data;

/// <summary>A data set can't be read as declared. The message names file, place, value and what was expected.</summary>
/// <remarks>It may quote values of the data set, so it belongs in the log of the machine that holds the data and in no message that leaves it.</remarks>
public sealed class DataException : FormatException
{
    public DataException(string error)
        : this([error])
    {
    }

    /// <param name="errors">At least one.</param>
    public DataException(IReadOnlyList<string> errors)
        : base(string.Join('\n', errors)) => Errors = errors;

    /// <summary>One sentence each, in the order of the file.</summary>
    public IReadOnlyList<string> Errors { get; }
}

/// <summary>Collects the errors of one file, so that a person sees up to <see cref="Maximum"/> of them at once.</summary>
internal sealed class DataErrors(string path)
{
    public const int Maximum = 20;
    private const int ShownLength = 60;
    private readonly List<string> _errors = [];

    /// <summary>Adds an error; the one that fills the list throws it.</summary>
    public void Add(string error)
    {
        _errors.Add($"{Path.GetFileName(path)}: {error}");
        if (_errors.Count == Maximum)
        {
            _errors.Add($"{Path.GetFileName(path)}: reading stopped after {Maximum} errors.");
            throw new DataException(_errors);
        }
    }

    /// <summary>The exception for an error after which reading can't go on, together with those before it.</summary>
    public DataException Fatal(string error) => new([.. _errors, $"{Path.GetFileName(path)}: {error}"]);

    public void ThrowIfAny()
    {
        if (_errors.Count > 0)
        {
            throw new DataException(_errors);
        }
    }

    /// <summary>A value as a message quotes it: on one line and cut to a readable length.</summary>
    public static string Shown(string value)
    {
        var cut = value.Length <= ShownLength ? value : value[..ShownLength] + "…";
        return $"'{string.Concat(cut.Select(c => char.IsControl(c) ? '\uFFFD' : c))}'";
    }

    /// <summary>Opens a file for reading from start to end.</summary>
    /// <exception cref="DataException">There is no such file, or it may not be read. Other faults of the disk stay what they are.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.SequentialScan);
        }
        catch (UnauthorizedAccessException)
        {
            throw new DataException($"{Shown(path)}: may not be read; expected a readable file.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or ArgumentException or NotSupportedException)
        {
            throw new DataException($"{Shown(path)}: not found; expected a readable file.");
        }
    }
}
