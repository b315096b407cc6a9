using System.Text.RegularExpressions;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.RunFiles;

/// <summary>Rules over the whole of a run file: the run's own, and how the simulation fits it. No file is opened.</summary>
internal static partial class RunFileRules
{
    /// <summary>Everything that does not fit together, in the order of the run file.</summary>
    public static IEnumerable<SpecError> Check(RunFile file, string root) =>
        [
            .. RunSpecRules.Check(file.Run, $"{root}.run"),
            .. Selection(file, $"{root}.run.selection"),
            .. Sources(file.Simulation.Data, $"{root}.simulation.data"),
            .. Uses(file, root),
            .. Partition(file, root),
            .. Budgets(file.Simulation.Budgets, $"{root}.simulation.budgets"),
        ];

    private static IEnumerable<SpecError> Selection(RunFile file, string path)
    {
        var (selection, clients) = (file.Run.Selection, file.Simulation.Clients);
        if (clients < 1)
        {
            yield break;
        }

        if (selection.MinimumClients > clients)
        {
            yield return new($"{path}.minimumClients", $"expected at most simulation.clients, {clients}, got {selection.MinimumClients}");
        }

        if (selection.Count > clients)
        {
            yield return new($"{path}.count", $"expected at most simulation.clients, {clients}, got {selection.Count}");
        }

        // Rounded up: the widest reading of a fraction, so that nothing possible is refused.
        var cohort = selection.Count ?? Math.Max((int)Math.Ceiling((selection.Fraction ?? 1) * clients), selection.MinimumClients);
        if (selection.Count is null && selection.MinimumReports > cohort)
        {
            yield return new($"{path}.minimumReports", $"expected at most the cohort, {cohort} of {clients} clients, got {selection.MinimumReports}");
        }
    }

    private static IEnumerable<SpecError> Sources(IReadOnlyDictionary<string, DataSource> sources, string path)
    {
        foreach (var (name, source) in sources)
        {
            var at = SpecText.Below(path, name);
            if (!DataSetName().IsMatch(name))
            {
                yield return new(at, $"expected a name of the form [a-z0-9-]{{1,64}}, got {SpecText.Quoted(name)}");
            }

            foreach (var error in source.Check())
            {
                yield return new($"{at}.{error.Path}", error.Message);
            }

            if (source is { Kind: DataSourceKind.Digits, Count: { } count } && source.Skip + (long)(source.Take ?? 1) > count)
            {
                yield return new(at, $"expected skip and take within count, {count}, got skip {source.Skip}{(source.Take is { } take ? $" and take {take}" : "")}");
            }
        }
    }

    /// <summary>The data sets the run names must be there, and be of the kind that its columns, model and loss are for.</summary>
    private static IEnumerable<SpecError> Uses(RunFile file, string root)
    {
        var run = file.Run;
        foreach (var (name, path) in new[] { (run.Data.DataSet, $"{root}.run.data.dataSet"), (run.Evaluation.DataSet, $"{root}.run.evaluation.dataSet") })
        {
            if (name is null)
            {
                continue;
            }

            if (!file.Simulation.Data.TryGetValue(name, out var source))
            {
                var known = file.Simulation.Data.Count == 0 ? "none" : string.Join(", ", file.Simulation.Data.Keys.Select(key => SpecText.Plain(key)));
                yield return new(path, $"expected a data set of simulation.data ({known}), got {SpecText.Quoted(name)}");
            }
            else if (source.Kind == DataSourceKind.Csv && run.Data.Columns is null)
            {
                yield return new(path, $"expected images, since run.data has no columns, got the CSV {SpecText.Quoted(name)}");
            }
            else if (source.Kind is DataSourceKind.Idx or DataSourceKind.Digits && run.Data.Columns is not null)
            {
                yield return new(path, $"expected a CSV, since run.data has columns, got the images {SpecText.Quoted(name)}");
            }
            else if (source.Kind == DataSourceKind.Digits && run.Training.Loss == LossKind.CrossEntropy && run.Model.Outputs < DigitGenerator.Classes)
            {
                yield return new($"{root}.run.model.outputs", $"expected at least {DigitGenerator.Classes}, one per digit, got {run.Model.Outputs}");
            }
        }
    }

    private static IEnumerable<SpecError> Partition(RunFile file, string root)
    {
        var simulation = file.Simulation;
        var path = $"{root}.simulation.partition";
        var source = simulation.Data.GetValueOrDefault(file.Run.Data.DataSet);
        foreach (var error in simulation.Partition.Check(simulation.Clients, Examples(source)))
        {
            yield return new(error.Path == "clients" ? $"{root}.simulation.clients" : $"{path}.{error.Path}", error.Message);
        }

        if (source?.Kind is DataSourceKind.Idx or DataSourceKind.Digits && simulation.Partition.Column is { } column)
        {
            yield return new($"{path}.column", $"expected none, since images have no columns, got {SpecText.Quoted(column)}");
        }

        if (source?.Kind == DataSourceKind.Csv && simulation.Partition is { Rule: PartitionRule.Dirichlet or PartitionRule.Shards, Column: null })
        {
            yield return new($"{path}.column", "missing; expected the label column of the CSV, which the rule splits by");
        }
    }

    private static IEnumerable<SpecError> Budgets(SimulationBudgets budgets, string path)
    {
        foreach (var (unit, budget) in new[] { ("example", budgets.Example), ("client", budgets.Client) })
        {
            if (budget?.Terms.Defect is { } defect)
            {
                yield return new($"{path}.{unit}", defect);
            }
        }
    }

    /// <summary>Examples of a source as far as its declaration tells; without bound where only the file can.</summary>
    private static int Examples(DataSource? source) => source switch
    {
        { Take: { } take } => take,
        { Kind: DataSourceKind.Digits, Count: { } count } when count > source.Skip => count - source.Skip,
        _ => int.MaxValue,
    };

    [GeneratedRegex(@"\A[a-z0-9-]{1,64}\z")]
    private static partial Regex DataSetName();
}
