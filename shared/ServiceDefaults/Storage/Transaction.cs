using System.Diagnostics;
using Dapper;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Metrics;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>One piece of work inside the writer's transaction: state, inbox and outbox rows commit together or not at all.</summary>
/// <param name="cause">What the work was asked for by, in a trace; null while nobody traces.</param>
public sealed class Transaction(SqliteConnection connection, TimeProvider time, ActivityContext? cause = null)
{
    public DateTimeOffset Now => time.GetUtcNow();

    internal bool HasOutbox { get; private set; }

    internal List<Action> Committed { get; } = [];

    /// <summary>Runs <paramref name="action"/> once this transaction is committed: something quick, such as a metric or a signal.</summary>
    public void OnCommitted(Action action) => Committed.Add(action);

    public int Execute(string sql, object? parameters = null) => connection.Execute(sql, parameters);

    public IReadOnlyList<T> Query<T>(string sql, object? parameters = null) => connection.Query<T>(sql, parameters).AsList();

    public T? QuerySingleOrDefault<T>(string sql, object? parameters = null) => connection.QuerySingleOrDefault<T>(sql, parameters);

    public T? Scalar<T>(string sql, object? parameters = null) => connection.ExecuteScalar<T>(sql, parameters);

    private const string InsertInbox = """
        insert or ignore into inbox (endpoint, message_id, received_at) values (@endpoint, @messageId, @now)
        """;

    /// <summary>Notes a message as received.</summary>
    /// <returns>False when it already was: the message is a duplicate.</returns>
    public bool TryReceive(string endpoint, Guid messageId) => Execute(InsertInbox, new { endpoint, messageId, now = Now }) == 1;

    private const string InsertOutbox = """
        insert into outbox (message_id, run_id, round, destination, type, body, created_at, trace_parent)
        values (@MessageId, @RunId, @Round, @Destination, @Type, @Body, @CreatedAt, @TraceParent)
        """;

    /// <summary>Sends a message when this transaction is committed: a command to its owner, an event to everyone.</summary>
    /// <param name="message">A record of the contracts.</param>
    /// <param name="destination">Exchange of a command whose receiver is chosen per message; null for what <see cref="Routes"/> knows.</param>
    public void Send(object message, string? destination = null)
    {
        var row = OutboxRow.Of(message, destination ?? Routes.OwnerOf(message.GetType()), Now);
        Execute(InsertOutbox, row with { TraceParent = RoundTrace.ParentOf(message, cause) });
        HasOutbox = true;
    }

    /// <inheritdoc cref="Send"/>
    public void SendAll(IEnumerable<object> messages)
    {
        foreach (var message in messages)
        {
            Send(message);
        }
    }

    // A charge for what a client sent beside its update: no message tells that it was heard, and a bus in memory may have lost it. The ledger takes it twice as once.
    private const string ForgetSentOfRun = $"delete from outbox where run_id = @runId and sent_at is not null and type <> '{nameof(ChargeOutput)}'";

    private const string ForgetSentBefore = $"{ForgetSentOfRun} and round < @round";

    /// <summary>Deletes sent messages of a run's rounds that are final everywhere: those before <paramref name="round"/>, or all when it is null.</summary>
    public void ForgetSent(Guid runId, int? round) => Execute(round is null ? ForgetSentOfRun : ForgetSentBefore, new { runId, round });
}
