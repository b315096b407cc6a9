using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting.Pld;

/// <summary>What makes the brackets certain: both grids keep the probabilities of P and of Q, and their curves lie on either side of the mechanism's.</summary>
public sealed class GridMassesTests
{
    private const double Width = 0.01;
    private const double Tail = 1e-14;

    public static TheoryData<string> Sources => ["gaussian", "sampled", "sampled, added", "laplace", "response"];

    [Theory, MemberData(nameof(Sources))]
    public void Grids_keep_both_probabilities(string name)
    {
        var pieces = Pieces(name);
        var dominated = GridMasses.Dominated(pieces, Width);
        foreach (var grid in new[] { GridMasses.Dominating(pieces, Width), dominated })
        {
            var (p, q) = (grid.Masses.Sum(), grid.Masses.Select((mass, i) => mass * Math.Exp(-(grid.First + i) * Width)).Sum());
            Assert.InRange(p, 1 - (3 * Tail), 1 + (3 * Tail));

            // Only the last block of the dominated grid is rounded, down, which counts its Q for too much.
            Assert.InRange(q, 1 - (3 * Tail) - 1e-12, grid == dominated ? 1.01 : 1 + (3 * Tail) + 1e-12);
            Assert.All(grid.Masses, mass => Assert.True(mass >= 0));
        }
    }

    [Theory, MemberData(nameof(Sources))]
    public void Curves_of_the_grids_lie_on_either_side_of_much_finer_ones(string name)
    {
        var pieces = Pieces(name);
        var finer = Pieces(name, Width / 64);
        var (upper, lower) = (GridMasses.Dominating(pieces, Width), GridMasses.Dominated(pieces, Width));
        var (finerUpper, finerLower) = (GridMasses.Dominating(finer, Width / 64), GridMasses.Dominated(finer, Width / 64));
        for (var epsilon = -1.0; epsilon < 3; epsilon += 0.0137)
        {
            var (low, high) = (Delta(lower, Width, epsilon), Delta(upper, Width, epsilon));
            Assert.True(low <= Delta(finerUpper, Width / 64, epsilon) + 1e-12);
            Assert.True(Delta(finerLower, Width / 64, epsilon) <= high + 1e-12);
            Assert.True(low <= high + 1e-12);
        }
    }

    [Fact]
    public void A_piece_between_two_points_is_shared_so_that_both_probabilities_stay()
    {
        var pieces = new LossPieces();
        pieces.Add(0.6, 0.25, 0.2, 0.3);
        pieces.Add(0.4, 0.25, 0.25, 0.25);

        var grid = GridMasses.Dominating(pieces, 1);

        var up = (1 - Math.Exp(-0.25)) / (1 - Math.Exp(-1));
        Assert.Equal([1 - up, up], grid.Masses, (a, b) => Math.Abs(a - b) < 1e-14);
    }

    /// <summary>What was cut off below 3 may lie anywhere below 3, and not only below the lowest piece.</summary>
    [Fact]
    public void What_two_mixed_mechanisms_cut_off_below_stays_above_where_either_cut()
    {
        var first = new LossPieces { Below = (0.1, 0.2) };
        first.Add(0.9, 0.5, 0, 1);
        var second = new LossPieces { Below = (0.1, 0.2), Above = (0.05, 0.001) };
        second.Add(0.85, 3.5, 3, 4);
        var mixed = LossPieces.Mixture(first, second, 0.5);

        var grid = GridMasses.Dominating(mixed, 1);
        Assert.Equal(0.1 + (0.5 * 0.85), grid.Masses[(3 - grid.First)..].Sum(), 1e-14);

        // Mirrored, what the second cut off above 4 is below −4, and the first cut off nothing above: it could have been from 1 on.
        var mirrored = GridMasses.Dominating(mixed.Mirrored(), 1);
        Assert.InRange(mirrored.Masses[(-1 - mirrored.First)..].Sum(), 0.5 * 0.001, 1);
    }

    [Fact]
    public void An_atom_on_a_grid_point_stays_there()
    {
        var pieces = new LossPieces();
        pieces.Add(0.25, -3, -3, -3);
        pieces.Add(0.75, 3, 3, 3);

        var dominating = GridMasses.Dominating(pieces, 1);
        Assert.Equal((-3, 0.25, 0.75), (dominating.First, dominating.Masses[0], dominating.Masses[6]));
        var dominated = GridMasses.Dominated(pieces, 1);
        Assert.Equal((0.25, 0.75), (dominated.Masses[-3 - dominated.First], dominated.Masses[3 - dominated.First]));
    }

    /// <summary>
    /// By hand: of losses ½, 1½ and 2½, from below all of the first is balanced at 1 by 0.2(√e − 1)/(1 − 1/√e) = 0.2√e of the second, the rest of that
    /// at 2 by √e times as much of the third, and what is left of the third goes down to 2.
    /// </summary>
    [Fact]
    public void Blocks_balance_at_their_point_and_the_last_is_rounded_down()
    {
        var pieces = new LossPieces { IsBoundedBelow = true };
        pieces.Add(0.2, 0.5, 0.5, 0.5);
        pieces.Add(0.5, 1.5, 1.5, 1.5);
        pieces.Add(0.3, 2.5, 2.5, 2.5);

        var grid = GridMasses.Dominated(pieces, 1);

        var atOne = 0.2 * (1 + Math.Exp(0.5));
        Assert.Equal([atOne, 1 - atOne], grid.Masses.Where(mass => mass > 0), (x, y) => Math.Abs(x - y) < 1e-14);
        Assert.Equal(atOne, grid.Masses[1 - grid.First], 1e-14);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_loss_between_two_points_alone_is_rounded_down(bool fromBelow)
    {
        var pieces = new LossPieces { IsBoundedBelow = fromBelow };
        pieces.Add(1, 2.25, 2.25, 2.25);

        var grid = GridMasses.Dominated(pieces, 1);

        Assert.Equal(1, grid.Masses[2 - grid.First]);
        Assert.Equal(1, grid.Masses.Sum());
    }

    private static double Delta(GridMasses grid, double width, double epsilon) =>
        grid.Masses.Select((mass, i) => mass * Math.Max(0, 1 - Math.Exp(epsilon - ((grid.First + i) * width)))).Sum();

    private static LossPieces Pieces(string name, double width = Width) => name switch
    {
        "gaussian" => new NormalLossSource(1.2).Pieces(width, Tail),
        "sampled" => new GaussianLossSource(0.1, 0.8).Pieces(width, Tail),
        "sampled, added" => new GaussianLossSource(0.1, 0.8).Pieces(width, Tail).Mirrored(),
        "laplace" => new LaplaceLossSource(new LaplaceEvent(0.7)).Pieces(width, Tail),
        _ => DiscreteLossSource.Of(new EpsilonDeltaEvent(0.777, 0)).Pieces(width, Tail),
    };
}
