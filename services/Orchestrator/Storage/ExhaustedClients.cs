using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>Keeps which clients a run draws no more, because their privacy budget is spent.</summary>
public static class ExhaustedClients
{
    private const string InsertOne = "insert or ignore into exhausted_client (run_id, client_id) values (@runId, @clientId)";

    public static void Add(Transaction transaction, Guid runId, string clientId) => transaction.Execute(InsertOne, new { runId, clientId });

    private const string SelectOfRun = "select client_id from exhausted_client where run_id = @runId";

    public static IReadOnlySet<string> Of(Transaction transaction, Guid runId) =>
        transaction.Query<string>(SelectOfRun, new { runId }).ToHashSet(StringComparer.Ordinal);
}
