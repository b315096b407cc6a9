namespace FlEvents.DifferentialPrivacy.Accounting.Numerics;

/// <summary>Gauss-Legendre rules on [−1, 1] (Abramowitz and Stegun, 25.4.30): the positive nodes, each of which stands for its mirror too, and weights.</summary>
public static class GaussLegendre
{
    public static (double[] Nodes, double[] Weights) Four { get; } =
        ([0.33998104358485626480, 0.86113631159405257522], [0.65214515486254614263, 0.34785484513745385737]);

    public static (double[] Nodes, double[] Weights) Six { get; } = (
        [0.23861918608319690863, 0.66120938646626451366, 0.93246951420315202781],
        [0.46791393457269104739, 0.36076157304813860757, 0.17132449237917034504]);

    /// <summary>Length of an interval on which <see cref="Six"/> integrates φ with a relative error below 10⁻¹³.</summary>
    /// <param name="distance">Of the interval's farther end from 0; φ changes by e^(distance·length) on it.</param>
    public static double LengthForSix(double distance) => Math.Min(0.125, 1.5 / distance);

    /// <summary>The same for <see cref="Four"/>.</summary>
    public static double LengthForFour(double distance) => Math.Min(0.02, 0.2 / distance);
}
