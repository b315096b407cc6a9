using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>Keeps clients and the workers that serve them.</summary>
public static class ClientStore
{
    private const string SelectAll = """
        select c.client_id, c.pool, c.data_sets, c.left_at, c.key_sha256, c.is_edge,
            exists (select 1 from worker w where w.seen_at >= @aliveSince and (w.pool = c.pool or w.client_id = c.client_id)) as alive
        from client c
        where c.left_at is null and not exists (select 1 from enrolment e where e.client_id = c.client_id and e.is_suspended) order by c.client_id
        """;

    /// <summary>Clients that have not left and are not suspended.</summary>
    /// <param name="timeout">How long after its worker's last heartbeat a client still counts as there.</param>
    public static IReadOnlyList<ClientView> All(Transaction transaction, TimeSpan timeout) => transaction
        .Query<Row>(SelectAll, new { aliveSince = transaction.Now - timeout })
        .Select(row => row.ToView())
        .ToList();

    /// <summary>Clients that are there and hold the data set, counted by the run's privacy units: n of the one unit is no n of the other.</summary>
    public static IReadOnlyList<EligibleClient> Eligible(Transaction transaction, DataSpec wanted, TimeSpan timeout) => All(transaction, timeout)
        .Where(client => client.Alive)
        .SelectMany(client => client.DataSets
            .Where(data => data.Ledger.DataSet == wanted.DataSet && data.PrivacyUnitColumn == wanted.PrivacyUnitColumn)
            .Select(data => new EligibleClient(client.ClientId, client.Pool is null ? Routes.Silo(client.ClientId) : Routes.Pool(client.Pool), data, client.KeySha256)))
        .ToList();

    private const string SelectOne = "select client_id, pool, data_sets, left_at, key_sha256, is_edge, false as alive from client where client_id = @clientId";

    private const string Upsert = """
        insert into client (client_id, pool, data_sets, enrolled_at, key_sha256, is_edge) values (@ClientId, @pool, @dataSets, @now, @KeySha256, @isEdge)
        on conflict (client_id) do update
        set pool = excluded.pool, data_sets = excluded.data_sets, key_sha256 = excluded.key_sha256, is_edge = excluded.is_edge, left_at = null
        """;

    /// <summary>Registers a client that a worker offers, or renews it. Its name belongs to the first that comes with it, and to that one's key.</summary>
    /// <returns>Why it was refused; null when it is registered.</returns>
    public static ClientRefusal? Enroll(Transaction transaction, string? pool, ClientProfile client)
    {
        var known = Find(transaction, client.ClientId);
        if (known is not null && (known.Pool != pool || known.IsEdge))
        {
            return Refusal("NAME_TAKEN", $"Client {client.ClientId} is enrolled {(known.IsEdge ? "over HTTPS" : known.Pool is null ? "as a silo" : $"in pool {known.Pool}")} already.");
        }

        if (known?.KeySha256 is { } key && key != client.KeySha256)
        {
            return Refusal("OTHER_KEY", $"Client {client.ClientId} is enrolled with key {key}; it came with {client.KeySha256 ?? "none"}.");
        }

        Save(transaction, pool, client, isEdge: false);
        return null;

        ClientRefusal Refusal(string code, string detail) => new() { ClientId = client.ClientId, ReasonCode = code, Detail = detail };
    }

    /// <summary>Writes a client's row as it is to be.</summary>
    public static void Save(Transaction transaction, string? pool, ClientProfile client, bool isEdge)
    {
        var dataSets = JsonSerializer.Serialize(client.DataSets, RunStore.Json);
        transaction.Execute(Upsert, new { client.ClientId, pool, dataSets, now = transaction.Now, client.KeySha256, isEdge });
    }

    /// <summary>A client that has not left; null when there is none.</summary>
    public static ClientView? Find(Transaction transaction, string clientId) =>
        transaction.QuerySingleOrDefault<Row>(SelectOne, new { clientId }) is { LeftAt: null } row ? row.ToView() : null;

    private const string MarkLeft = "update client set left_at = @now where client_id = @clientId and left_at is null";

    /// <returns>Whether the client was there to leave.</returns>
    public static bool Leave(Transaction transaction, string clientId) => transaction.Execute(MarkLeft, new { clientId, now = transaction.Now }) == 1;

    private const string UpsertWorker = """
        insert into worker (worker_id, pool, client_id, slots, running, seen_at) values (@WorkerId, @Pool, @ClientId, @Slots, @Running, @now)
        on conflict (worker_id) do update
        set pool = excluded.pool, client_id = excluded.client_id, slots = excluded.slots, running = excluded.running, seen_at = excluded.seen_at
        """;

    private const string DeleteSilent = "delete from worker where seen_at < @before";

    /// <summary>How long a worker that is silent is remembered: longer than any <see cref="OrchestratorOptions.ClientTimeoutSeconds"/>.</summary>
    public static readonly TimeSpan WorkerKept = TimeSpan.FromDays(2);

    /// <summary>Notes a sign of life. Workers that come and go under ever new names leave nothing behind.</summary>
    public static void Heard(Transaction transaction, WorkerHeartbeat heartbeat)
    {
        transaction.Execute(
            UpsertWorker,
            new { heartbeat.WorkerId, heartbeat.Pool, heartbeat.ClientId, heartbeat.Slots, heartbeat.Running, now = transaction.Now });
        transaction.Execute(DeleteSilent, new { before = transaction.Now - WorkerKept });
    }

    private const string SelectWasHeard = "select exists (select 1 from worker where worker_id = @workerId and seen_at >= @since)";

    /// <summary>Whether a worker gave a sign of life within a time.</summary>
    public static bool WasHeard(Transaction transaction, string workerId, TimeSpan within) =>
        transaction.Scalar<bool>(SelectWasHeard, new { workerId, since = transaction.Now - within });

    private const string SelectSlots = """
        select coalesce('fl-pool-' || pool, 'fl-silo-' || client_id) as Address, sum(slots) as Slots from worker where seen_at >= @aliveSince group by 1
        """;

    /// <summary>Training slots of the live workers behind each queue.</summary>
    public static IReadOnlyDictionary<string, int> Slots(Transaction transaction, TimeSpan timeout) => transaction
        .Query<SlotsRow>(SelectSlots, new { aliveSince = transaction.Now - timeout })
        .ToDictionary(row => row.Address, row => row.Slots);

    private sealed record Row
    {
        public required string ClientId { get; init; }
        public string? Pool { get; init; }
        public required string DataSets { get; init; }
        public DateTimeOffset? LeftAt { get; init; }
        public string? KeySha256 { get; init; }
        public bool IsEdge { get; init; }
        public bool Alive { get; init; }

        public ClientView ToView() => new()
        {
            ClientId = ClientId,
            Pool = Pool,
            Alive = Alive,
            DataSets = JsonSerializer.Deserialize<IReadOnlyList<ClientDataSet>>(DataSets, RunStore.Json)!,
            KeySha256 = KeySha256,
            IsEdge = IsEdge,
        };
    }

    private sealed record SlotsRow
    {
        public required string Address { get; init; }
        public required int Slots { get; init; }
    }
}
