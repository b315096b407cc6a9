using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using Microsoft.Data.Sqlite;

namespace FlEvents.Faults.Tests;

/// <summary>What must hold of a deployment after any fault.</summary>
internal static class Checks
{
    private static readonly ILookup<string, string> NothingObserved = Array.Empty<string>().ToLookup(output => output);

    /// <summary>Asserts that a run's rounds all have a model, that the services agree on its updates, and that each client is charged once and for good.</summary>
    public static async Task AssertCleanAsync(Deployment services, Guid run, int rounds)
    {
        // What a service sent last may still be on its way when its run has ended.
        await Eventually.HoldsAsync($"run {run} is clean: {Verdict.Header} {Of()}", () => Of().IsClean);
        Verdict Of() => Verdict.Of($"{run}", rounds, HistoryOf(services, run), NothingObserved);
    }

    public static History HistoryOf(Deployment services, Guid run) => History.Of(
        run, services.DatabaseOf(Deployment.Orchestrator), services.DatabaseOf(Deployment.Aggregator), services.DatabaseOf(Deployment.Accountant));

    /// <summary>Asserts that no message was given up: none lies in a dead-letter queue or in a quarantine.</summary>
    public static async Task AssertNothingDroppedAsync(Deployment services, VirtualHost host, params string[] names)
    {
        var dead = from queue in await host.QueuesAsync()
                   let name = queue.GetProperty("name").GetString()!
                   where !name.StartsWith("fl-", StringComparison.Ordinal) || name.EndsWith("-dead", StringComparison.Ordinal)
                   where queue.TryGetProperty("messages", out var messages) && messages.GetInt32() > 0
                   select name;
        Assert.Empty(dead);
        foreach (var name in names)
        {
            Assert.Equal(0L, Read(services.DatabaseOf(name), "select count(*) from quarantine"));
        }
    }

    /// <summary>The value of a query that has one, on a database that may be in use.</summary>
    public static object? Read(string path, string query)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = query;
        return command.ExecuteScalar();
    }

    /// <summary>Waits until the ledger can be read, and asserts that every entry is as it was written.</summary>
    public static async Task AssertLedgerVerifiesAsync(Deployment services)
    {
        var (exitCode, said) = await Product.RunAsync("ledger", "verify", "--data", services.DatabaseOf(Deployment.Accountant));
        Assert.True(exitCode == 0, said);
    }
}
