using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using FlEvents.ClientWorker.Data;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Data;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ClientWorker;

/// <summary>
/// Section <c>ClientWorker</c>. A silo worker has a <see cref="ClientId"/> and its own data; a pool worker has a <see cref="Pool"/> of
/// <see cref="Clients"/>, among which its data sets are split.
/// </summary>
public sealed partial class ClientWorkerOptions
{
    public const string Section = "ClientWorker";

    // As in a run file: the name is in every client's ledger identity.
    private const int LongestUnitColumn = 64;

    /// <summary>Name of this worker, of <c>a-z 0-9 -</c>, the same after every start; the machine's name where absent.</summary>
    [RegularExpression("[a-z0-9-]{1,64}")]
    public string WorkerId { get; set; } = MachineId(Environment.MachineName);

    /// <summary>Folder for the worker's tasks and for updates that are not uploaded yet.</summary>
    [Required]
    public string DataFolder { get; set; } = "data/client-worker";

    /// <summary>What accepted tasks and finished updates survive: the death of the process, or a power cut too.</summary>
    public Durability Durability { get; set; } = Durability.Power;

    /// <summary>The one client of a silo worker.</summary>
    [RegularExpression("[a-z0-9-]{1,64}")]
    public string? ClientId { get; set; }

    /// <summary>Name of a pool. Its workers share one queue; client ids are the name and a six-digit index.</summary>
    [RegularExpression("[a-z0-9-]{1,57}")]
    public string? Pool { get; set; }

    /// <summary>Clients of the pool.</summary>
    [Range(1, 1_000_000)]
    public int? Clients { get; set; }

    /// <summary>How each data set is split among the pool's clients.</summary>
    public PartitionSpec Partition { get; set; } = new();

    /// <summary>Whose privacy ledgers the data is charged to; the client's id or the pool's name where absent.</summary>
    [StringLength(200, MinimumLength = 1)]
    public string? Owner { get; set; }

    /// <summary>Tasks trained at once.</summary>
    [Range(1, 1000)]
    public int Slots { get; set; } = Environment.ProcessorCount;

    /// <summary>Data sets this worker can read: a name, which runs use, and where the examples are.</summary>
    public Dictionary<string, DataSource> DataSets { get; set; } = [];

    /// <summary>
    /// Column of a CSV data set whose values are its privacy units (a patient id), by the data set's name: the number of these is declared in place of the
    /// number of rows, and only runs that name the same column use the data set.
    /// </summary>
    public Dictionary<string, string> PrivacyUnitColumns { get; set; } = [];

    /// <summary>
    /// What each client's part of each data set may spend at most, by unit (<c>Example</c>, <c>Client</c>), whatever the server charges. A task above it is refused.
    /// </summary>
    public Dictionary<PrivacyUnit, BudgetTerms> Limits { get; set; } = [];

    /// <summary>
    /// Ids of backups that this worker's database was restored from and whose gap is counted in <see cref="Limits"/>: what left since such a backup was taken is
    /// not in the books. Where there are limits, a worker restored from another one takes no task.
    /// </summary>
    public List<Guid> CountedRestores { get; set; } = [];

    /// <summary>Base address of the Aggregator, for base models and updates.</summary>
    public Uri AggregatorUrl { get; set; } = new("http://127.0.0.1:5081/");

    /// <summary>Key with scope <c>blobs:client</c> that the Aggregator asks for; null where it asks for none.</summary>
    public string? ApiKey { get; set; }

    /// <summary>PEM file with the key that a silo signs its updates with, made at the first start where there is none; null for a worker that signs nothing.</summary>
    public string? KeyFile { get; set; }

    /// <summary>Time between two signs of life of the worker, in seconds.</summary>
    [Range(0.05, 3600.0)]
    public double HeartbeatSeconds { get; set; } = 5;

    internal string OwnerName => Owner ?? ClientId ?? Pool!;

    internal ClientRoster Roster => ClientId is null ? ClientRoster.OfPool(Pool ?? "", Clients ?? 1) : ClientRoster.OfSilo(ClientId);

    /// <summary>A machine's name as a worker id.</summary>
    internal static string MachineId(string machine)
    {
        var id = Unnamed().Replace(machine.ToLowerInvariant(), "-").Trim('-');
        return id.Length == 0 ? "worker" : id[..Math.Min(id.Length, 64)];
    }

    /// <summary>Rules over several properties, and whether the data is there and can be split; each error a sentence.</summary>
    internal static IEnumerable<string> Check(ClientWorkerOptions options)
    {
        var isPool = options.Pool is not null;
        if (isPool == options.ClientId is not null)
        {
            yield return isPool
                ? $"Pool is \"{options.Pool}\" and ClientId is \"{options.ClientId}\": give one of them."
                : "Pool and ClientId are missing: give Pool and Clients, or ClientId.";
        }

        if (isPool && options.Clients is null)
        {
            yield return $"Clients is missing: pool \"{options.Pool}\" needs a number of clients.";
        }

        if (!isPool && options.Clients is not null)
        {
            yield return $"Clients is {options.Clients}: only a pool has several.";
        }

        if (isPool && options.KeyFile is not null)
        {
            yield return $"KeyFile is \"{options.KeyFile}\": only a silo has a key; the workers of a pool are one party.";
        }

        if (!isPool && options.Partition != new PartitionSpec())
        {
            yield return "Partition is given: only a pool's data is split.";
        }

        if (options.AggregatorUrl is not { IsAbsoluteUri: true, Scheme: "http" or "https" } url || !url.AbsolutePath.EndsWith('/'))
        {
            yield return $"AggregatorUrl is \"{options.AggregatorUrl}\": it must be an http or https address that ends with /.";
        }

        foreach (var (unit, limit) in options.Limits)
        {
            if (limit.Defect is { } defect)
            {
                yield return $"Limits:{unit}: {defect}";
            }
        }

        if (options.DataSets.Count == 0)
        {
            yield return "DataSets is empty: name at least one.";
        }

        foreach (var (name, column) in options.PrivacyUnitColumns)
        {
            if (!options.DataSets.ContainsKey(name))
            {
                yield return $"PrivacyUnitColumns:{name} is \"{column}\": there is no data set of that name.";
            }
            else if (column.Length is 0 or > LongestUnitColumn)
            {
                yield return $"PrivacyUnitColumns:{name} has {column.Length} characters: expected 1 to {LongestUnitColumn}.";
            }
        }

        foreach (var error in options.DataSets.SelectMany(entry => CheckDataSet(options, entry.Key, entry.Value)))
        {
            yield return error;
        }
    }

    private static IEnumerable<string> CheckDataSet(ClientWorkerOptions options, string name, DataSource source)
    {
        var errors = source.Check().Select(error => error.Message).ToList();
        string?[] files = [source.Images, source.Labels, source.Path];
        errors.AddRange(files.Where(file => file is not null && !File.Exists(file)).Select(file => $"there is no file \"{file}\"."));
        if (!DataSetName().IsMatch(name))
        {
            errors.Add("a name must match [a-z0-9-]{1,64}.");
        }

        if (errors.Count == 0)
        {
            errors.AddRange(CheckContents(options, source, options.PrivacyUnitColumns.GetValueOrDefault(name)));
        }

        return errors.Select(error => $"data set \"{name}\": {error}");
    }

    // Read here and again when it is used: a worker that can't serve its clients must say so before it offers them.
    private static IReadOnlyList<string> CheckContents(ClientWorkerOptions options, DataSource source, string? privacyUnitColumn)
    {
        try
        {
            var basis = DataSetReader.ReadPartitionBasis(source, options.Partition, privacyUnitColumn);
            return options is { Pool: not null, Clients: { } clients } ? [.. options.Partition.Check(clients, basis).Select(error => error.Message)] : [];
        }
        catch (Exception e) when (e is DataException or IOException or UnauthorizedAccessException)
        {
            return e is DataException { Errors: var all } ? all : [e.Message];
        }
    }

    [GeneratedRegex("[^a-z0-9]+")]
    private static partial Regex Unnamed();

    [GeneratedRegex("^[a-z0-9-]{1,64}$")]
    private static partial Regex DataSetName();
}
