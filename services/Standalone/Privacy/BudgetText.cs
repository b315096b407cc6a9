using System.Globalization;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Privacy;

/// <summary>Budgets and measures in a few words for people.</summary>
public static class BudgetText
{
    /// <summary>e.g. <c>ε = 8 at δ = 0.00001</c>, or <c>ρ = 0.5, ε = 5.298 at δ = 0.00001</c>.</summary>
    /// <param name="rho">Null for a budget of ε.</param>
    /// <param name="epsilon">ε of the budget at δ.</param>
    public static string Of(double? rho, double epsilon, double delta)
    {
        var shown = rho is null ? SpecText.Number(epsilon) : HumanUnits.Score(epsilon);
        return $"{(rho is { } stated ? $"ρ = {SpecText.Number(stated)}, " : "")}ε = {shown} at δ = {SpecText.Number(delta)}";
    }

    /// <summary>e.g. <c>α = 4</c>, or <c>ρ</c>.</summary>
    public static string Of(PrivacyMeasure measure) => measure.Order is { } alpha ? $"α = {Order(alpha)}" : "ρ";

    /// <summary>A Rényi order with at most three decimals.</summary>
    public static string Order(double alpha) => alpha.ToString("0.###", CultureInfo.InvariantCulture);
}
