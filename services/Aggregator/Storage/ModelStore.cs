using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>Keeps which runs there are and the versions of their models.</summary>
public static class ModelStore
{
    private const string SelectSpec = "select spec from run where run_id = @runId";

    public static RunSpec? FindSpec(Transaction transaction, Guid runId) =>
        transaction.Scalar<string>(SelectSpec, new { runId }) is { } spec ? JsonSerializer.Deserialize<RunSpec>(spec, BookStore.Json) : null;

    private const string InsertRun = """
        insert into run (run_id, spec, model_sha256, model_size, model_version) values (@runId, @spec, @sha256, @size, 0)
        """;

    /// <summary>Notes a run with its initial model.</summary>
    public static void Create(Transaction transaction, Guid runId, RunSpec spec, BlobRef model)
    {
        transaction.Execute(InsertRun, new { runId, spec = JsonSerializer.Serialize(spec, BookStore.Json), sha256 = model.Sha256, size = model.SizeBytes });
        transaction.Execute(InsertVersion, new { runId, version = 0, sha256 = model.Sha256, size = model.SizeBytes, now = transaction.Now });
    }

    private const string InsertVersion = """
        insert into model (run_id, version, sha256, size, created_at) values (@runId, @version, @sha256, @size, @now)
        """;

    private const string UpdateNewest = """
        update run set model_sha256 = @sha256, model_size = @size, model_version = @version where run_id = @runId
        """;

    /// <summary>Notes a released model as the run's newest.</summary>
    public static void Release(Transaction transaction, Guid runId, int version, BlobRef model)
    {
        transaction.Execute(InsertVersion, new { runId, version, sha256 = model.Sha256, size = model.SizeBytes, now = transaction.Now });
        transaction.Execute(UpdateNewest, new { runId, version, sha256 = model.Sha256, size = model.SizeBytes });
    }
}
