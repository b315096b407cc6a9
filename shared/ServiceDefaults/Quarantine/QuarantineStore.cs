using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Quarantine;

/// <summary>Keeps a service's quarantined messages in its own database.</summary>
public static class QuarantineStore
{
    /// <summary>Messages kept; beyond it the oldest go, so that nobody can fill a disk with bad messages.</summary>
    public const int Most = 10_000;

    private const int LongestBody = 1 << 16;

    // A reason may quote what was wrong.
    private const int LongestDetail = 1 << 12;

    private const string InsertOne = """
        insert or ignore into quarantine (endpoint, message_id, type, body, reason, detail, at) values (@endpoint, @messageId, @type, @body, @reason, @detail, @now)
        """;

    private const string DeleteOldest = "delete from quarantine where id <= (select max(id) from quarantine) - @most";

    /// <summary>Puts a message aside. The same message again changes nothing.</summary>
    public static void Add(Transaction transaction, string endpoint, Guid messageId, string? type, string body, string reason, string detail)
    {
        transaction.Execute(InsertOne, new { endpoint, messageId, type, body = Cut(body, LongestBody), reason, detail = Cut(detail, LongestDetail), now = transaction.Now });
        transaction.Execute(DeleteOldest, new { most = Most });
    }

    private static string Cut(string text, int longest) => text[..Math.Min(text.Length, longest)];

    private const string Columns = "id, endpoint, message_id, type, body, reason, detail, at";
    private const string SelectAfter = "select id, endpoint, message_id, type, '' as body, reason, detail, at from quarantine where id > @after order by id limit @limit";
    private const string SelectOne = $"select {Columns} from quarantine where id = @id";
    private const string SelectCount = "select count(*) from quarantine";

    /// <summary>A page of messages without their bodies, which may be many megabytes together.</summary>
    public static IReadOnlyList<QuarantinedMessage> After(Transaction transaction, long after, int limit) =>
        transaction.Query<QuarantinedMessage>(SelectAfter, new { after, limit });

    private const string SelectNewest = "select id, endpoint, message_id, type, '' as body, reason, detail, at from quarantine order by id desc limit @limit";

    /// <summary>The newest messages without their bodies, the newest first.</summary>
    public static IReadOnlyList<QuarantinedMessage> Newest(Transaction transaction, int limit) => transaction.Query<QuarantinedMessage>(SelectNewest, new { limit });

    public static QuarantinedMessage? Find(Transaction transaction, long id) => transaction.QuerySingleOrDefault<QuarantinedMessage>(SelectOne, new { id });

    public static int Count(Transaction transaction) => transaction.Scalar<int>(SelectCount);

    private const string DeleteOne = "delete from quarantine where id = @id";

    /// <summary>Forgets a message for good.</summary>
    /// <returns>False when there is none of this id.</returns>
    public static bool Discard(Transaction transaction, long id) => transaction.Execute(DeleteOne, new { id }) == 1;

    /// <summary>Sends a message to its queue again, as a new one, and lets go of it in the same transaction.</summary>
    /// <exception cref="InvalidOperationException">It is no message of the contracts, or its body was cut.</exception>
    public static void Replay(Transaction transaction, QuarantinedMessage message)
    {
        if (message.Type is null || message.Body.Length == LongestBody)
        {
            throw new InvalidOperationException($"Message {message.Id} of {message.Endpoint} can't be sent again: it is no whole message of the contracts. Discard it.");
        }

        var row = new OutboxRow { MessageId = message.MessageId, Type = message.Type, Body = message.Body };
        transaction.Send(row.Decode().Message, message.Endpoint);
        Discard(transaction, message.Id);
    }
}
