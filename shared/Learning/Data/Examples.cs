namespace FlEvents.Learning.Data;

/// <summary>Examples ready for a model: inputs as numbers, and for each one either a class or a number to learn.</summary>
/// <remarks>Immutable by convention: many clients of a pool share the arrays of one data set through <see cref="Select"/>.</remarks>
public sealed class Examples
{
    private readonly float[] _inputs;
    private readonly int[]? _classes;
    private readonly float[]? _targets;
    private readonly int[]? _units;
    private readonly int[]? _rows;

    /// <param name="inputs">Row-major, shape [n, <paramref name="inputSize"/>].</param>
    /// <param name="inputSize">Values per example, at least 1.</param>
    /// <param name="classes">Class of each example, from 0; null where the label is a number.</param>
    /// <param name="targets">Number of each example, already scaled; null where the label is a class.</param>
    /// <param name="units">Number of the privacy unit of each row, the same for rows of one unit; null where each row is a unit of its own.</param>
    /// <exception cref="ArgumentException">The lengths do not fit, or not exactly one of classes and targets is given.</exception>
    public Examples(float[] inputs, int inputSize, int[]? classes, float[]? targets, int[]? units = null)
        : this(inputs, inputSize, classes, targets, units, rows: null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputSize, 1);
        if (classes is null == targets is null)
        {
            throw new ArgumentException("Exactly one of classes and targets is given.", nameof(classes));
        }

        var count = classes?.Length ?? targets!.Length;
        if (inputs.Length != (long)count * inputSize)
        {
            throw new ArgumentException($"{inputs.Length} inputs do not fit {count} examples of {inputSize} values.", nameof(inputs));
        }

        if (units is not null && units.Length != count)
        {
            throw new ArgumentException($"{units.Length} numbers of privacy units do not fit {count} rows.", nameof(units));
        }
    }

    private Examples(float[] inputs, int inputSize, int[]? classes, float[]? targets, int[]? units, int[]? rows)
    {
        _inputs = inputs;
        _classes = classes;
        _targets = targets;
        _units = units;
        _rows = rows;
        InputSize = inputSize;
    }

    /// <summary>Rows.</summary>
    public int Count => _rows?.Length ?? _classes?.Length ?? _targets!.Length;

    /// <summary>Values per example.</summary>
    public int InputSize { get; }

    /// <summary>Whether the label is a class; else it is a number.</summary>
    public bool HasClasses => _classes is not null;

    public ReadOnlySpan<float> Input(int index) => _inputs.AsSpan(Row(index) * InputSize, InputSize);

    /// <summary>Class from 0; only where <see cref="HasClasses"/>.</summary>
    public int Class(int index) => _classes![Row(index)];

    /// <summary>Number to learn; only where not <see cref="HasClasses"/>.</summary>
    public float Target(int index) => _targets![Row(index)];

    /// <summary>The rows by privacy unit; null where each row is a unit of its own.</summary>
    public PrivacyUnits? GroupByUnit()
    {
        if (_units is null)
        {
            return null;
        }

        var numbers = new int[Count];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = _units[Row(i)];
        }

        return PrivacyUnits.Of(numbers);
    }

    /// <summary>These of the examples, in this order, without a copy of the inputs.</summary>
    public Examples Select(ReadOnlySpan<int> indices)
    {
        var rows = new int[indices.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = Row(indices[i]);
        }

        return new Examples(_inputs, InputSize, _classes, _targets, _units, rows);
    }

    private int Row(int index) => _rows is null ? index : _rows[index];
}
