using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class TransactionTests : IAsyncDisposable
{
    private const string SelectOutbox = "select seq, message_id, run_id, round, destination, type, body, created_at from outbox order by seq";
    private static readonly Guid Run = Guid.Parse("0195a3c4-0000-7000-8000-00000000000a");
    private readonly TemporaryFolder _folder = new();
    private readonly Database _database;

    public TransactionTests() => _database = TestDatabase.Open(_folder.File("test.db"));

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Work_that_fails_leaves_no_state_no_inbox_and_no_outbox_row()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _database.WriteAsync(
            transaction =>
            {
                Assert.True(transaction.TryReceive("queue", Run));
                transaction.AddNote("state");
                transaction.Send(new ClientLeft { ClientId = "anna" });
                throw new InvalidOperationException();
            },
            CancellationToken.None));

        Assert.Equal(["0"], _database.Column("select (select count(*) from note) + (select count(*) from inbox) + (select count(*) from outbox)"));
    }

    [Fact]
    public async Task A_message_is_received_once_by_each_endpoint()
    {
        Task<bool> ReceiveAsync(string endpoint, Guid messageId) => _database.WriteAsync(transaction => transaction.TryReceive(endpoint, messageId), CancellationToken.None);

        Assert.True(await ReceiveAsync("queue", Run));
        Assert.False(await ReceiveAsync("queue", Run));
        Assert.True(await ReceiveAsync("other", Run));
        Assert.True(await ReceiveAsync("queue", Guid.Empty));
    }

    [Fact]
    public async Task A_command_goes_to_its_owner_an_event_to_everyone_and_a_task_where_it_is_told()
    {
        var rows = await OutboxAfterAsync(transaction =>
        {
            transaction.Send(Commit(round: 1));
            transaction.Send(new ClientLeft { ClientId = "anna" });
            transaction.Send(new ClientLeft { ClientId = "ben" }, Routes.Silo("ben"));
        });

        Assert.Equal(["fl-privacy-accountant", null, "fl-silo-ben"], rows.Select(row => row.Destination));
        Assert.Equal(["CommitBudget", "ClientLeft", "ClientLeft"], rows.Select(row => row.Type));
        Assert.Equal([(Run, 1), (null, null), (null, null)], rows.Select(row => ((Guid?)row.RunId, row.Round)));
        Assert.Equal(3, rows.Select(row => row.MessageId).Distinct().Count());
    }

    [Fact]
    public async Task A_message_leaves_the_outbox_as_it_went_in()
    {
        var refused = new BudgetRefused
        {
            RunId = Run,
            RoundId = Guid.NewGuid(),
            Round = 7,
            Attempt = 1,
            Refused = [new ClientRefusal { ClientId = "anna", ReasonCode = "CONFLICT", Detail = "\"ü\" & <b>" }],
        };
        var accepted = new TrainingAccepted { RunId = Run, RoundId = Run, Round = 1, ClientId = "anna", ReservationId = Run, LeaseNumber = 2, WorkerId = "w" };

        var rows = await OutboxAfterAsync(transaction => transaction.SendAll([refused, accepted]));

        Assert.Equivalent(refused, rows[0].Decode().Message, strict: true);
        Assert.Equal((accepted, typeof(TrainingAccepted)), rows[1].Decode());
    }

    [Fact]
    public async Task Only_sent_messages_of_earlier_rounds_are_forgotten()
    {
        await _database.WriteAsync(
            transaction =>
            {
                transaction.SendAll([Commit(1), Commit(2), Commit(3), new ClientLeft { ClientId = "anna" }, Commit(1) with { RunId = Guid.Empty }]);
                transaction.Execute("update outbox set sent_at = 'now'");
                transaction.Send(Commit(1) with { RoundId = Guid.Empty });
            },
            CancellationToken.None);

        Assert.Equal([2, 3, null, 1, 1], (await OutboxAfterAsync(transaction => transaction.ForgetSent(Run, round: 2))).Select(row => row.Round));
        Assert.Equal([null, 1, 1], (await OutboxAfterAsync(transaction => transaction.ForgetSent(Run, round: null))).Select(row => row.Round));
    }

    private static CommitBudget Commit(int round) => new() { RunId = Run, RoundId = Run, Round = round };

    private Task<IReadOnlyList<OutboxRow>> OutboxAfterAsync(Action<Transaction> work) => _database.WriteAsync(
        transaction =>
        {
            work(transaction);
            return transaction.Query<OutboxRow>(SelectOutbox);
        },
        CancellationToken.None);
}
