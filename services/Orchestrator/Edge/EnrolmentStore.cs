using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Edge;

/// <summary>Keeps who was invited, which key waits for approval, and which is good.</summary>
public static class EnrolmentStore
{
    private const string Columns = "client_id, owner, token_sha256, token_ends_at, waiting_key, waiting_data, key, is_suspended, is_revoked, changed_at";

    private const string SelectOne = $"select {Columns} from enrolment where client_id = @clientId";

    public static Enrolment? Find(Transaction transaction, string clientId) => transaction.QuerySingleOrDefault<Row>(SelectOne, new { clientId })?.ToEnrolment();

    private const string SelectByToken = $"select {Columns} from enrolment where token_sha256 = @sha256";

    /// <summary>The enrolment that a one-time token opens.</summary>
    public static Enrolment? FindByToken(Transaction transaction, string token) =>
        transaction.QuerySingleOrDefault<Row>(SelectByToken, new { sha256 = HashOf(token) })?.ToEnrolment();

    private const string SelectAll = $"select {Columns} from enrolment order by client_id";

    public static IReadOnlyList<Enrolment> All(Transaction transaction) => [.. transaction.Query<Row>(SelectAll).Select(row => row.ToEnrolment())];

    private const string Upsert = """
        insert into enrolment (client_id, owner, token_sha256, token_ends_at, waiting_key, waiting_data, key, is_suspended, is_revoked, changed_at)
        values (@ClientId, @Owner, @TokenSha256, @TokenEndsAt, @WaitingKey, @WaitingData, @Key, @IsSuspended, @IsRevoked, @now)
        on conflict (client_id) do update set token_sha256 = @TokenSha256, token_ends_at = @TokenEndsAt, waiting_key = @WaitingKey, waiting_data = @WaitingData,
            key = @Key, is_suspended = @IsSuspended, is_revoked = @IsRevoked, changed_at = @now
        """;

    /// <summary>Writes a row as it is to be; an owner is for good.</summary>
    public static void Save(Transaction transaction, Enrolment enrolment) => transaction.Execute(Upsert, new
    {
        enrolment.ClientId,
        enrolment.Owner,
        enrolment.TokenSha256,
        enrolment.TokenEndsAt,
        enrolment.WaitingKey,
        WaitingData = enrolment.WaitingData is null ? null : JsonSerializer.Serialize(enrolment.WaitingData, RunStore.Json),
        enrolment.Key,
        enrolment.IsSuspended,
        enrolment.IsRevoked,
        now = transaction.Now,
    });

    /// <summary>A client has left: neither its key nor an open invitation is good any more.</summary>
    public static void Revoke(Transaction transaction, string clientId)
    {
        if (Find(transaction, clientId) is { } enrolment)
        {
            Save(transaction, enrolment with { IsRevoked = true, IsSuspended = false, TokenSha256 = null, TokenEndsAt = null, WaitingKey = null, WaitingData = null });
        }
    }

    internal static string HashOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private sealed record Row
    {
        public required string ClientId { get; init; }
        public required string Owner { get; init; }
        public string? TokenSha256 { get; init; }
        public DateTimeOffset? TokenEndsAt { get; init; }
        public string? WaitingKey { get; init; }
        public string? WaitingData { get; init; }
        public string? Key { get; init; }
        public bool IsSuspended { get; init; }
        public bool IsRevoked { get; init; }
        public DateTimeOffset ChangedAt { get; init; }

        public Enrolment ToEnrolment() => new()
        {
            ClientId = ClientId,
            Owner = Owner,
            TokenSha256 = TokenSha256,
            TokenEndsAt = TokenEndsAt,
            WaitingKey = WaitingKey,
            WaitingData = WaitingData is null ? null : JsonSerializer.Deserialize<IReadOnlyList<DeclaredData>>(WaitingData, RunStore.Json),
            Key = Key,
            IsSuspended = IsSuspended,
            IsRevoked = IsRevoked,
            ChangedAt = ChangedAt,
        };
    }
}
