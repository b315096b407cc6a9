using FlEvents.Learning.Data;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Privacy;

/// <summary>How many examples each simulated client declares.</summary>
public static class ClientExamples
{
    /// <summary>Counts by client, before any split for validation; shape [clients]. No example is read, only what the split goes by.</summary>
    /// <param name="file">A run file whose data was checked.</param>
    /// <exception cref="DataException">The data set can't be read.</exception>
    public static IReadOnlyList<int> Of(RunFile file)
    {
        var (source, simulation) = (file.Simulation.Data[file.Run.Data.DataSet], file.Simulation);
        var values = DataSetReader.ReadPartitionValues(source, simulation.Partition);
        var parts = Partition.Split(simulation.Partition, values, DataSetReader.CountExamples(source), simulation.Clients);
        return Array.ConvertAll(parts, part => part.Length);
    }
}
