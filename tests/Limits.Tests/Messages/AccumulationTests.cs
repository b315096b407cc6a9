using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.Limits.Tests.Messages;

/// <summary>Tables that grow with what others send.</summary>
public sealed class AccumulationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Messages_about_rounds_that_there_are_not_do_not_fill_the_Aggregators_disk()
    {
        await using var database = Open(typeof(BookStore));
        var message = new RoundAbandoned { RunId = Guid.NewGuid(), RoundId = Guid.NewGuid(), Round = 1, ReasonCode = "RUN_STOPPED", Detail = "The run was stopped." };
        await database.WriteAsync(
            transaction =>
            {
                // As if that many had come already.
                BookStore.KeepEarly(transaction, message.RoundId, message);
                transaction.Execute("update early_message set seq = @seq", new { seq = 1_000_000 - BookStore.MostEarly + 1 });
                transaction.Execute("insert into early_message (seq, round_id, type, body, kept_at) values (1000000, 'other', 'RoundAbandoned', '{}', @now)", new { now = transaction.Now });
            },
            CancellationToken.None);
        Assert.Equal(2, Count(database, "early_message"));
        await database.WriteAsync(transaction => BookStore.KeepEarly(transaction, message.RoundId, message), CancellationToken.None);
        Assert.Equal([1_000_000L, 1_000_001], database.Read(transaction => transaction.Query<long>("select seq from early_message order by seq")));
    }

    [Fact]
    public async Task Workers_that_come_and_go_under_ever_new_names_leave_nothing_behind()
    {
        await using var database = Open(typeof(ClientStore));
        for (var day = 0; day < 10; day++)
        {
            await database.WriteAsync(
                transaction => ClientStore.Heard(transaction, new WorkerHeartbeat { WorkerId = $"worker-{day}", Pool = "ward", ClientId = null, Slots = 1, Running = 0 }), CancellationToken.None);
            _time.Advance(TimeSpan.FromDays(1));
        }

        Assert.InRange(Count(database, "worker"), 1, 3);
    }

    private static int Count(Database database, string table) => database.Read(transaction => transaction.Scalar<int>($"select count(*) from {table}"));

    private Database Open(Type store) => new(
        new DatabaseSettings { Name = "test", Path = _folder.File($"{store.Name}.db"), Synced = false, Schema = store.Assembly }, _time, NullLogger<Database>.Instance);
}
