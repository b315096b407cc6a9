using System.Text.Json;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using Microsoft.Extensions.Options;

namespace FlEvents.ClientWorker.Data;

/// <summary>
/// The examples of the worker's clients. A data set is read once for each way of turning its values into numbers, split once, and shared by all
/// clients of the pool.
/// </summary>
public sealed class ClientData(IOptions<ClientWorkerOptions> options, ClientRoster roster)
{
    // Runs that share a worker and read one data set in different ways; more than this are read again.
    private const int DataSetsKept = 4;

    private readonly NewestCache<string, Examples> _examples = new(DataSetsKept);
    private readonly NewestCache<string, Parts> _parts = new(int.MaxValue);

    public IEnumerable<string> Names => options.Value.DataSets.Keys.Order(StringComparer.Ordinal);

    /// <summary>Why the worker does not train or score on data as a run declares it; null when it does. The sentence quotes no data.</summary>
    public TaskEnd? Obstacle(DataSpec data) =>
        !options.Value.DataSets.ContainsKey(data.DataSet) ? new TaskEnd(RefusalCode.UnknownDataSet, $"The worker has no data set \"{data.DataSet}\".")
        : UnitColumnOf(data.DataSet) is var column && column != data.PrivacyUnitColumn
            ? new TaskEnd(RefusalCode.OtherPrivacyUnit, $"Data set \"{data.DataSet}\" counts {Counted(column)} here; the run counts {Counted(data.PrivacyUnitColumn)}.")
        : null;

    /// <summary>Column whose values are the privacy units of a data set; null where each row is one.</summary>
    public string? UnitColumnOf(string dataSet) => options.Value.PrivacyUnitColumns.GetValueOrDefault(dataSet);

    /// <summary>All examples of a client, before any split for validation.</summary>
    /// <exception cref="DataException">The data set can't be read as declared. Its message may quote data.</exception>
    public async Task<Examples> OfAsync(string clientId, DataSpec data, ModelSpec model, LossKind loss, CancellationToken cancellationToken)
    {
        var index = roster.IndexOf(clientId) ?? throw new ArgumentException($"{clientId} is not a client of this worker.", nameof(clientId));
        if (Obstacle(data) is { } obstacle)
        {
            throw new DataException(obstacle.Detail);
        }

        var source = options.Value.DataSets[data.DataSet];
        var classes = ClassesOf(model, loss);
        var key = JsonSerializer.Serialize(new { data, model.InputShape, classes });
        var all = await _examples.GetAsync(key, () => OffPool(() => DataSetReader.Read(source, data, model.InputShape, classes, withUnits: true)), cancellationToken);
        return roster.Pool is null ? all : all.Select((await PartsAsync(data.DataSet, cancellationToken)).Rows[index]);
    }

    /// <summary>How many examples each client declares of a data set, by index: rows, or privacy units where these have a column; shape [clients].</summary>
    /// <exception cref="DataException">The data set can't be read.</exception>
    public async Task<int[]> CountsAsync(string dataSet, CancellationToken cancellationToken) =>
        roster.Pool is null ? [(await OffPool(() => Basis(dataSet))).Count] : (await PartsAsync(dataSet, cancellationToken)).Counts;

    /// <summary>Whose ledger a client's part of a data set is charged to.</summary>
    public LedgerIdentity LedgerOf(string dataSet, int index) => new()
    {
        Owner = options.Value.OwnerName,
        DataSet = dataSet,
        PartitionRule = roster.Pool is null
            ? PartitionSpec.DescribeUnits("whole", UnitColumnOf(dataSet))
            : options.Value.Partition.Describe(roster.Count, UnitColumnOf(dataSet)),
        PartitionSeed = roster.Pool is null ? 0 : options.Value.Partition.Seed,
        PartitionIndex = index,
    };

    private Task<Parts> PartsAsync(string dataSet, CancellationToken cancellationToken) =>
        _parts.GetAsync(dataSet, () => OffPool(() => Split(Basis(dataSet))), cancellationToken);

    private PartitionBasis Basis(string dataSet) =>
        DataSetReader.ReadPartitionBasis(options.Value.DataSets[dataSet], options.Value.Partition, UnitColumnOf(dataSet));

    private Parts Split(PartitionBasis basis)
    {
        var rows = Partition.Split(options.Value.Partition, basis, roster.Count);
        return new Parts(rows, Array.ConvertAll(rows, part => basis.CountOf(part)));
    }

    private static string Counted(string? column) => column is null ? "rows" : $"the values of column \"{column}\"";

    private static int? ClassesOf(ModelSpec model, LossKind loss) => loss switch
    {
        LossKind.CrossEntropy => model.Outputs,
        LossKind.BinaryCrossEntropy => 2,
        _ => null,
    };

    /// <param name="Rows">Of each client; shape [clients][].</param>
    /// <param name="Counts">Examples that each declares; shape [clients].</param>
    private sealed record Parts(int[][] Rows, int[] Counts);

    // Reading a large file takes long, and blocks.
    private static Task<T> OffPool<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
