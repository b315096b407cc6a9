using System.Text.Json;
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
    private readonly NewestCache<string, int[][]> _parts = new(int.MaxValue);

    public IEnumerable<string> Names => options.Value.DataSets.Keys.Order(StringComparer.Ordinal);

    public bool Has(string dataSet) => options.Value.DataSets.ContainsKey(dataSet);

    /// <summary>All examples of a client, before any split for validation.</summary>
    /// <exception cref="DataException">The data set can't be read as declared. Its message may quote data.</exception>
    public async Task<Examples> OfAsync(string clientId, DataSpec data, ModelSpec model, LossKind loss, CancellationToken cancellationToken)
    {
        var index = roster.IndexOf(clientId) ?? throw new ArgumentException($"{clientId} is not a client of this worker.", nameof(clientId));
        var source = options.Value.DataSets[data.DataSet];
        var classes = ClassesOf(model, loss);
        var key = JsonSerializer.Serialize(new { data, model.InputShape, classes });
        var all = await _examples.GetAsync(key, () => OffPool(() => DataSetReader.Read(source, data, model.InputShape, classes)), cancellationToken);
        return roster.Pool is null ? all : all.Select((await PartsAsync(data.DataSet, cancellationToken))[index]);
    }

    /// <summary>How many examples each client has of a data set, by index; shape [clients].</summary>
    /// <exception cref="DataException">The data set can't be read.</exception>
    public async Task<int[]> CountsAsync(string dataSet, CancellationToken cancellationToken) =>
        roster.Pool is null
            ? [await OffPool(() => DataSetReader.CountExamples(options.Value.DataSets[dataSet]))]
            : Array.ConvertAll(await PartsAsync(dataSet, cancellationToken), part => part.Length);

    /// <summary>Whose ledger a client's part of a data set is charged to.</summary>
    public LedgerIdentity LedgerOf(string dataSet, int index) => new()
    {
        Owner = options.Value.OwnerName,
        DataSet = dataSet,
        PartitionRule = roster.Pool is null ? "whole" : options.Value.Partition.Describe(roster.Count),
        PartitionSeed = roster.Pool is null ? 0 : options.Value.Partition.Seed,
        PartitionIndex = index,
    };

    private Task<int[][]> PartsAsync(string dataSet, CancellationToken cancellationToken) =>
        _parts.GetAsync(dataSet, () => OffPool(() => Split(options.Value.DataSets[dataSet])), cancellationToken);

    private int[][] Split(DataSource source)
    {
        var partition = options.Value.Partition;
        return Partition.Split(partition, DataSetReader.ReadPartitionValues(source, partition), DataSetReader.CountExamples(source), roster.Count);
    }

    private static int? ClassesOf(ModelSpec model, LossKind loss) => loss switch
    {
        LossKind.CrossEntropy => model.Outputs,
        LossKind.BinaryCrossEntropy => 2,
        _ => null,
    };

    // Reading a large file takes long, and blocks.
    private static Task<T> OffPool<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
