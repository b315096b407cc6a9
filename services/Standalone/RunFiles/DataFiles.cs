using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning;

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
        return errors.Count > 0 ? errors : Errors($"{root}.simulation.partition", () => CheckPartition(file)).ToList();
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
        DataSetReader.Read(source.Kind == DataSourceKind.Digits ? source with { Take = 1 } : source, run.Data with { DataSet = name }, run.Model.InputShape, classes);
        return [];
    }

    private static IReadOnlyList<string> CheckPartition(RunFile file)
    {
        var (source, simulation) = (file.Simulation.Data[file.Run.Data.DataSet], file.Simulation);
        var values = DataSetReader.ReadPartitionValues(source, simulation.Partition);
        return [.. simulation.Partition.Check(simulation.Clients, DataSetReader.CountExamples(source), values).Select(error => error.Message)];
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
