using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Rdp;

/// <summary>A value bounded from above through Rényi divergences.</summary>
/// <param name="Value">ε or δ; +∞ (for ε) or 1 (for δ) where there is no bound.</param>
/// <param name="Order">The order α that gave it; NaN where none did.</param>
/// <param name="AtEdge">The best order is the first or last of those tried, so another order would probably be better.</param>
public readonly record struct RdpBound(double Value, double Order, bool AtEdge);

/// <summary>(ε, δ) from Rényi divergences that were added order by order.</summary>
/// <remarks>
/// Without orders of the caller's the order is optimised over all reals above 1: doubling steps of α − 1 to a bracket, then golden section. That finds the
/// global minimum, because for any c the orders at which ε or δ is at most c are an interval: (α−1)·ε(α) is convex in α, and so are (α−1)·ln(1−1/α) − ln α
/// and the rest of both conversions' numerators. From 32 on orders are whole.
/// </remarks>
public static class RdpAccountant
{
    private const double LeastOrderAbove = 1.0 / (1 << 16);
    private const double FirstOrderAbove = 8;
    private const double WholeFrom = 32;
    private const int GoldenSteps = 28;

    /// <summary>The smallest ε at δ that the divergences prove.</summary>
    /// <param name="composed">What happened.</param>
    /// <param name="delta">In (0, 1).</param>
    /// <param name="orders">Orders to use and no others; null to optimise.</param>
    /// <param name="conversion">Null for <see cref="RdpConversion.Improved"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">δ or an order is out of range.</exception>
    public static RdpBound Epsilon(PrivacyEvent composed, double delta, IReadOnlyList<double>? orders = null, RdpConversion? conversion = null)
    {
        Require.Delta(delta);
        var (curve, how) = (new RdpCurve(composed), conversion ?? RdpConversion.Improved);
        // Outside the failures of (ε, δ) parts, what remains of δ: 1 − (1 − δ)/Π(1 − δᵢ).
        var remaining = -LogArithmetic.ExpM1(LogArithmetic.LogP1(-delta) - curve.LogNothingInfinite);
        if (!(remaining > 0))
        {
            return new RdpBound(double.PositiveInfinity, double.NaN, false);
        }

        var best = Minimum(curve, order => how.Epsilon(order, curve.At(order), remaining), orders);
        return how.HasFloor ? best with { Value = Math.Max(best.Value, 0) } : best;
    }

    /// <summary>The smallest δ at ε that the divergences prove.</summary>
    /// <param name="composed">What happened.</param>
    /// <param name="epsilon">At least 0, finite.</param>
    /// <param name="orders">Orders to use and no others; null to optimise.</param>
    /// <param name="conversion">Null for <see cref="RdpConversion.Improved"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">ε or an order is out of range.</exception>
    public static RdpBound Delta(PrivacyEvent composed, double epsilon, IReadOnlyList<double>? orders = null, RdpConversion? conversion = null)
    {
        Require.NotNegative(epsilon);
        var (curve, how) = (new RdpCurve(composed), conversion ?? RdpConversion.Improved);
        var best = Minimum(curve, order => how.LogDelta(order, curve.At(order), epsilon), orders);
        var finite = Math.Min(1, Math.Exp(best.Value));
        // 1 − (1 − δ)·Π(1 − δᵢ)
        return best with { Value = finite - ((1 - finite) * LogArithmetic.ExpM1(curve.LogNothingInfinite)) };
    }

    private static RdpBound Minimum(RdpCurve curve, Func<double, double> bound, IReadOnlyList<double>? orders)
    {
        var best = orders is null ? Optimum(curve, bound) : BestOf(orders, bound);
        return double.IsPositiveInfinity(best.Value) ? best with { Order = double.NaN, AtEdge = false } : best;
    }

    private static RdpBound BestOf(IReadOnlyList<double> orders, Func<double, double> bound)
    {
        if (orders.Count == 0)
        {
            throw new ArgumentException("A list of Rényi orders is empty, expected at least one.", nameof(orders));
        }

        var best = new RdpBound(double.PositiveInfinity, double.NaN, false);
        foreach (var order in orders)
        {
            var value = bound(Require.Order(order));
            best = value < best.Value ? new RdpBound(value, order, false) : best;
        }

        // With a single order nothing was chosen.
        return best with { AtEdge = orders.Count > 1 && (best.Order == orders.Min() || best.Order == orders.Max()) };
    }

    private static RdpBound Optimum(RdpCurve curve, Func<double, double> bound)
    {
        var best = new RdpBound(double.PositiveInfinity, double.NaN, false);
        double Try(double above)
        {
            var order = above + 1 < WholeFrom ? above + 1 : Math.Round(above + 1);
            var value = bound(order);
            best = value < best.Value ? new RdpBound(value, order, false) : best;
            return value;
        }

        var (middle, atMiddle) = (FirstOrderAbove, Try(FirstOrderAbove));
        foreach (var factor in (ReadOnlySpan<double>)[2, 0.5])
        {
            for (var next = middle * factor; next >= LeastOrderAbove && next + 1 <= curve.LargestOrder; next *= factor)
            {
                var value = Try(next);
                // Where every order is still infinite there is no slope to follow: on to smaller ones.
                if (value >= atMiddle && !(double.IsPositiveInfinity(atMiddle) && factor < 1))
                {
                    break;
                }

                (middle, atMiddle) = (next, value);
            }
        }

        Golden(Try, Math.Log(middle / 2), Math.Log(Math.Min(middle * 2, curve.LargestOrder - 1)));
        var isEdge = best.Order - 1 <= LeastOrderAbove || best.Order * 2 > curve.LargestOrder;
        return best with { AtEdge = isEdge && best.Value > 0 };
    }

    /// <summary>Golden-section search over ln(α − 1).</summary>
    private static void Golden(Func<double, double> valueAbove, double low, double high)
    {
        var share = (Math.Sqrt(5) - 1) / 2;
        var (left, right) = (high - (share * (high - low)), low + (share * (high - low)));
        var (atLeft, atRight) = (valueAbove(Math.Exp(left)), valueAbove(Math.Exp(right)));
        for (var i = 0; i < GoldenSteps; i++)
        {
            if (atLeft <= atRight)
            {
                (high, right, atRight) = (right, left, atLeft);
                left = high - (share * (high - low));
                atLeft = valueAbove(Math.Exp(left));
            }
            else
            {
                (low, left, atLeft) = (left, right, atRight);
                right = low + (share * (high - low));
                atRight = valueAbove(Math.Exp(right));
            }
        }
    }
}
