using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Plans;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.Console;
using Spectre.Console;

namespace FlEvents.Standalone.Privacy;

/// <summary>The page of <c>flevents plan</c>.</summary>
public static class PlanView
{
    public static void Write(IAnsiConsole console, RunPlan plan)
    {
        var examples = plan.FewestExamples == plan.MostExamples
            ? HumanUnits.Count(plan.MostExamples)
            : $"{HumanUnits.Count(plan.FewestExamples)} to {HumanUnits.Count(plan.MostExamples)}";
        var noun = plan.PrivacyUnitColumn is null ? "examples" : "privacy units";
        var mode = SpecKeys.Names(typeof(PrivacyMode))[(int)plan.Mode];
        Line(console, "Plan", $"{SpecText.Plain(plan.Name)}: mode {mode}, {Number(plan.Rounds, "round")} of {Number(plan.Cohort, "task")}");
        Line(console, "Clients", $"{HumanUnits.Count(plan.Clients)} with {examples} {noun} each{(plan.PrivacyUnitColumn is { } column ? $" (the values of {SpecText.Quoted(column)})" : "")}");
        foreach (var unit in plan.Units)
        {
            console.WriteLine("");
            Write(console, unit, noun);
        }

        console.WriteLine("");
        Budgets(console, plan);
        var traffic = plan.Traffic;
        Line(console, "Down", $"{HumanUnits.Bytes(traffic.DownPerRound)} a round, {HumanUnits.Bytes(traffic.Down)} in all; the model has {HumanUnits.Bytes(traffic.ModelBytes)}");
        Line(console, "Up", $"{HumanUnits.Bytes(traffic.UpPerRound)} a round, {HumanUnits.Bytes(traffic.Up)} in all, when everyone answers");
        if (plan.Time is { } time)
        {
            Line(console, "Time", $"about {HumanUnits.Duration(time.RoundSeconds)} a round, {HumanUnits.Duration(time.RunSeconds)} in all, for local training");
            Line(console, "", $"(an estimate: one client's round took {HumanUnits.Duration(time.TaskSeconds)} here, {time.Workers} at a time)");
        }
    }

    private static void Write(IAnsiConsole console, UnitPlan unit, string noun)
    {
        var name = SpecKeys.Names(typeof(PrivacyUnit))[(int)unit.Unit];
        if (unit.Guarantee == PlannedGuarantee.Unbounded)
        {
            Line(console, "Unit", $"{name}: unbounded, no finite ε holds");
        }
        else
        {
            Line(console, "Unit", $"{name}: ε at δ = {SpecText.Number(unit.Delta)} of the client that is charged most");
            Line(console, "Client", $"{unit.ClientId} with {HumanUnits.Count(unit.Examples)} {noun}, {Number(unit.Tasks, "task")}");
            Line(console, "Charge", $"{ChargeText.Of(unit.Charge)} in its first task");
            console.Write(Table(unit));
        }

        if (unit.Budget is { } budget)
        {
            var by = unit.Guarantee == PlannedGuarantee.Unbounded ? ": the charge is unbounded" : unit.Alpha is { } alpha ? $" at α = {BudgetText.Order(alpha)}" : "";
            Line(console, "Budget", $"{BudgetText.Of(budget.Rho, budget.Epsilon, budget.Delta)} admits {Rounds(budget.RoundsAdmitted)}{by}");
            if (budget is { ProposedAlpha: { } proposed, ProposedRounds: { } rounds })
            {
                Line(console, "Proposal", $"α = {BudgetText.Order(proposed)} admits {Rounds(rounds)} of this plan");
            }
        }
    }

    private static Table Table(UnitPlan unit)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var heading in new[] { "Round", "Tasks", $"Ledger, {BudgetText.Of(PrivacyMeasure.Of(unit.Measure, unit.Alpha)!)}", "RDP", "PLD", "zCDP" })
        {
            table.AddColumn(new TableColumn(new Text(heading)).RightAligned());
        }

        foreach (var row in unit.Spending)
        {
            string[] cells = [HumanUnits.Count(row.Round), HumanUnits.Count(row.Tasks), .. new[] { row.Filter, row.Rdp, row.Pld, row.Zcdp }.Select(HumanUnits.Score)];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        return table;
    }

    private static void Budgets(IAnsiConsole console, RunPlan plan)
    {
        if (plan.Units.All(unit => unit.Budget is null))
        {
            return;
        }

        var (from, done) = (plan.CohortsAreDrawn ? "" : " at the earliest", Number(plan.RoundsDone, "round"));
        Line(console, "Ending", plan.Ending switch
        {
            RunState.Completed when plan.ClientsLeftOut == 0 => "every task of the plan fits its budget",
            RunState.Completed => $"{done} of {HumanUnits.Count(plan.Rounds)} are done; budgets leave out {Number(plan.ClientsLeftOut, "client")}",
            RunState.BudgetExhausted => $"budgets are exhausted after {done}{from}",
            _ => $"given up after {done}{from}: too few tasks are admitted",
        });
    }

    private static void Line(IAnsiConsole console, string name, string text) => console.WriteLine($"{name,-10}{text}");

    private static string Rounds(int rounds) => rounds >= UnitPlans.MostRounds ? $"{HumanUnits.Count(rounds)} rounds or more" : Number(rounds, "round");

    private static string Number(int count, string noun) => $"{HumanUnits.Count(count)} {noun}{(count == 1 ? "" : "s")}";
}
