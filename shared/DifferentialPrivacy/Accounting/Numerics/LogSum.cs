namespace FlEvents.DifferentialPrivacy.Accounting.Numerics;

/// <summary>ln Σ exp(xᵢ), one term at a time, without overflow.</summary>
public struct LogSum()
{
    private double _largest = double.NegativeInfinity;
    private double _scaled;

    /// <summary>−∞ before the first term.</summary>
    public readonly double Value => _scaled > 0 ? _largest + Math.Log(_scaled) : double.NegativeInfinity;

    /// <param name="logTerm">ln of a term that is not negative; −∞ for zero.</param>
    public void Add(double logTerm)
    {
        if (double.IsNegativeInfinity(logTerm))
        {
            return;
        }

        if (logTerm <= _largest)
        {
            _scaled += Math.Exp(logTerm - _largest);
            return;
        }

        _scaled = (_scaled * Math.Exp(_largest - logTerm)) + 1;
        _largest = logTerm;
    }
}
