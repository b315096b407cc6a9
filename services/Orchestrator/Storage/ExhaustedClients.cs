using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>Keeps which clients a run draws no more, because their privacy budget is spent or they had their rounds.</summary>
public static class ExhaustedClients
{
    private const string InsertOne = "insert or ignore into exhausted_client (run_id, client_id) values (@runId, @clientId)";

    public static void Add(Transaction transaction, Guid runId, string clientId) => transaction.Execute(InsertOne, new { runId, clientId });

    private const string SelectOfRun = "select client_id from exhausted_client where run_id = @runId";

    // A member that was refused was not charged.
    private const string SelectCapped = """
        select client_id from member where run_id = @runId and state <> 'Refused' group by client_id having count(*) >= @roundsPerClient
        """;

    /// <param name="roundsPerClient">Most rounds a client is charged for; null for any number.</param>
    public static IReadOnlySet<string> Of(Transaction transaction, Guid runId, int? roundsPerClient) =>
        transaction.Query<string>(SelectOfRun, new { runId })
            .Concat(roundsPerClient is null ? [] : transaction.Query<string>(SelectCapped, new { runId, roundsPerClient }))
            .ToHashSet(StringComparer.Ordinal);
}
