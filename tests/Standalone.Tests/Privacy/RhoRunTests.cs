using System.Net;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Commands;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.Report;

namespace FlEvents.Standalone.Tests.Privacy;

/// <summary>A run whose budgets are in ρ: of the client unit's, 0.3, it ends after two tasks of 1/(2·2²) = 0.125 each.</summary>
public sealed class RhoBudgetedRun() : BudgetedRun("""{ "example": { "rho": 40 }, "client": { "rho": 0.3, "delta": 1e-6 } }""");

public sealed class RhoRunTests(RhoBudgetedRun run) : IClassFixture<RhoBudgetedRun>, IDisposable
{
    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly StringWriter _errors = new() { NewLine = "\n" };

    public void Dispose()
    {
        _output.Dispose();
        _errors.Dispose();
    }

    [Fact]
    public void The_plan_in_rho_is_what_the_run_is_charged()
    {
        var plan = run.Plan;
        var (example, client) = (plan.Units[0], plan.Units[1]);

        Assert.Equal((RunState.BudgetExhausted, 2), (plan.Ending, plan.RoundsDone));
        Assert.Equal((RunState.BudgetExhausted, 2), (run.Run.State, run.Rounds.Count(round => round.State == RoundState.Done)));
        // 5 steps at z = 1.1 cost 5/(2·1.1²) = 2.066 whatever q, so that 40 has room for 19.
        Assert.Equal((19, 2), (example.Budget!.RoundsAdmitted, client.Budget!.RoundsAdmitted));
        Assert.Equal(("zcdp", null, 1e-6, 0.3), (client.Measure, client.Alpha, client.Delta, client.Budget.Rho));
        Assert.Equal((null, null), (client.Budget.ProposedAlpha, client.Budget.ProposedRounds));
        // The filter in ρ is zCDP's own ε, but for the rounding of charges.
        Assert.All(plan.Units.SelectMany(unit => unit.Spending), row => Assert.Equal(row.Zcdp!.Value, row.Filter!.Value, 1e-6));
    }

    [Fact]
    public void The_ledger_verifies_and_shows_rho_in_its_file_and_over_http()
    {
        foreach (var (data, url) in new (string?, Uri?)[] { (run.Folder, null), (null, run.Url) })
        {
            Assert.Equal((0, ""), (Look(data, url, source => LedgerCheck.Write(source, _output, _errors)), _errors.ToString()));
            var page = PrivateRun.Shown(console => Look(data, url, source => ClientLedgerPage.Write(source, "client-000001", console, _errors)));

            // ε of ρ = 0.25 and of ρ = 0.3 at δ = 10⁻⁶: minimised over α on a fine grid apart from this program.
            Assert.Contains("Spent     ε = 3.542 at δ = 1e-6 by the filter in ρ\n", page, StringComparison.Ordinal);
            Assert.Contains("Budget    ρ = 0.3, ε = 3.920 at δ = 1e-6, 16.67 % left\n          250,000,002 of 299,999,999 units are spent\n", page, StringComparison.Ordinal);
            Assert.All(page.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        }

        using var file = LedgerFileSource.Open(run.Folder);
        Assert.All(file.Totals(), totals => Assert.Equal(PrivacyMeasure.Zcdp, totals.Measure));
    }

    [Fact]
    public void The_runs_statement_of_privacy_is_in_rho_in_its_summary_its_last_lines_and_its_report()
    {
        var summary = run.Summarised();
        var guarantee = summary.Guarantee!;

        Assert.Equal((PrivacyUnit.Client, "zcdp", null), (guarantee.Unit, guarantee.Measure, guarantee.Alpha));
        Assert.Equal((0.3, 1e-6), (guarantee.BudgetRho, guarantee.Delta));
        Assert.Equal((3.542, 3.920, 0.1667), (Math.Round(guarantee.FilterEpsilon!.Value, 3), Math.Round(guarantee.BudgetEpsilon!.Value, 3), Math.Round(guarantee.LeastLeft!.Value, 4)));
        Assert.InRange(guarantee.PldEpsilon!.Value, 3, 3.541);
        Assert.All(summary.Clients, client => Assert.Equal((guarantee.FilterEpsilon, 1e-6, guarantee.BudgetEpsilon), (client.Epsilon, client.Delta, client.Budget)));
        RunEnding.Write(_output, summary, []);
        Assert.Contains("; 16.67 % left of ρ = 0.3000\n", _output.ToString(), StringComparison.Ordinal);
        var report = WebUtility.HtmlDecode(ReportPage.Create(summary));
        Assert.Contains("3.542 from ρ of zCDP, of the client that spent most", report, StringComparison.Ordinal);
        Assert.Contains("ρ = 0.3000, ε = 3.920; the least that is left to a client is 16.67 %", report, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_of_the_plan_counts_in_rho()
    {
        var page = PrivateRun.Shown(console => PlanView.Write(console, run.Plan));

        Assert.Matches(@"Round +Tasks +Ledger, ρ +RDP +PLD +zCDP", page);
        Assert.Contains("Budget    ρ = 0.3, ε = 3.920 at δ = 1e-6 admits 2 rounds\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Proposal", page, StringComparison.Ordinal);
        Assert.All(page.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    private int Look(string? data, Uri? url, Func<ILedgerSource, int> look) =>
        LedgerCommand.Execute(data, url, look, _errors, TestContext.Current.CancellationToken);
}
