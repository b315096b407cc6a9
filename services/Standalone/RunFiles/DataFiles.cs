using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.RunFiles;

/// <summary>Whether the files behind a run's data sets are there and hold what the run declares: what only reading them shows.</summary>
internal static class DataFiles
{
    /// <summary>Everything that is wrong with the data the run trains on and is scored on, in the order of the files.</summary>
    /// <param name="file">A run file without errors of its own.</param>
    /// <param name="root">JSON path of the run file.</param>
    public static IReadOnlyList<SpecError> Check(RunFile file, string root)
    {
        var run = file.Run;
        var errors = new[] { run.Data.DataSet, run.Evaluation.DataSet }.OfType<string>().Distinct()
            .SelectMany(name => Errors($"{root}.simulation.data.{name}", () => Read(run, name, file.Simulation.Data[name])))
            .ToList();
        return errors.Count > 0 ? errors
            : [.. Errors($"{root}.simulation.partition", () => CheckPartition(file)), .. Errors($"{root}.run.evaluation.dataSet", () => CheckHeldOut(file))];
    }

    private static IReadOnlyList<string> Read(RunSpec run, string name, DataSource source)
    {
        int? classes = run.Training.Loss switch
        {
            LossKind.CrossEntropy => run.Model.Outputs,
            LossKind.BinaryCrossEntropy => 2,
            _ => null,
        };

        // Generated images cannot be malformed: one tells whether they fit the model.
        DataSetReader.Read(source.Kind == DataSourceKind.Digits ? source with { Take = 1 } : source, run.Data with { DataSet = name }, run.Model.InputShape, classes, withUnits: name == run.Data.DataSet);
        return [];
    }

    private static IReadOnlyList<string> CheckPartition(RunFile file)
    {
        var (data, simulation) = (file.Run.Data, file.Simulation);
        var basis = DataSetReader.ReadPartitionBasis(simulation.Data[data.DataSet], simulation.Partition, data.PrivacyUnitColumn);
        return [.. simulation.Partition.Check(simulation.Clients, basis).Select(error => error.Message)];
    }

    /// <summary>No privacy unit has rows on both sides. Held-out data without the column can't be checked.</summary>
    private static IReadOnlyList<string> CheckHeldOut(RunFile file)
    {
        var (data, sources) = (file.Run.Data, file.Simulation.Data);
        if (data.PrivacyUnitColumn is not { } column || file.Run.Evaluation.DataSet is not { } heldOut)
        {
            return [];
        }

        return DataSetReader.CountSharedUnits(sources[data.DataSet], sources[heldOut], column) is > 0 and var shared
            ? [$"expected held-out data of other privacy units than \"{data.DataSet}\" has, got {shared} values of column {SpecText.Quoted(column)} that are in both"]
            : [];
    }

    private static IEnumerable<SpecError> Errors(string path, Func<IReadOnlyList<string>> check)
    {
        try
        {
            return check().Select(error => new SpecError(path, error));
        }
        catch (DataException e)
        {
            return e.Errors.Select(error => new SpecError(path, error));
        }
        catch (IOException e)
        {
            return [new SpecError(path, e.Message)];
        }
    }
}
