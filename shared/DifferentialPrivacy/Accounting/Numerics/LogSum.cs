namespace FlEvents.DifferentialPrivacy.Accounting.Numerics;

/// <summary>ln Σ exp(xᵢ), one term at a time, without overflow.</summary>
public struct LogSum()
{
    private double _largest = double.NegativeInfinity;
    private double _scaled;

    /// <summary>−∞ before the first term; NaN once a term was NaN, because a sum that is lost must not pass for none.</summary>
    public readonly double Value => _largest + Math.Log(_scaled);

    /// <param name="logTerm">ln of a term that is not negative; −∞ for zero, +∞ for one beyond all bounds.</param>
    public void Add(double logTerm)
    {
        if (double.IsNegativeInfinity(logTerm) || (double.IsPositiveInfinity(logTerm) && logTerm == _largest))
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
