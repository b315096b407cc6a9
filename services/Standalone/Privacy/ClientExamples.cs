using FlEvents.Learning.Data;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Privacy;

/// <summary>How many examples the simulated clients declare.</summary>
/// <param name="Declared">By client, before any split for validation: rows, or privacy units where these have a column; shape [clients].</param>
/// <param name="RowsOfEach">Mean rows of an example; 1 where each row is one.</param>
public sealed record ClientExamples(IReadOnlyList<int> Declared, double RowsOfEach)
{
    /// <summary>Reads what the split goes by, and no example.</summary>
    /// <param name="file">A run file whose data was checked.</param>
    /// <exception cref="DataException">The data set can't be read.</exception>
    public static ClientExamples Of(RunFile file)
    {
        var (data, simulation) = (file.Run.Data, file.Simulation);
        var basis = DataSetReader.ReadPartitionBasis(simulation.Data[data.DataSet], simulation.Partition, data.PrivacyUnitColumn);
        var parts = Partition.Split(simulation.Partition, basis, simulation.Clients);
        return new ClientExamples(Array.ConvertAll(parts, part => basis.CountOf(part)), basis.Rows / (double)basis.Count);
    }
}
