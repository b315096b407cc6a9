using System.Globalization;
using Dapper;
using Microsoft.Data.Sqlite;

namespace FlEvents.Bench.Rounds;

/// <summary>
/// When each message of a round was decided on, handed to the bus and received, from the services' own tables. A service deletes sent messages once
/// their round is final, so a trigger in its database keeps a copy of what is deleted: a few more writes a round.
/// </summary>
public static class MessageTimeline
{
    private static readonly (string Name, string File)[] Databases =
    [
        ("Orchestrator", "orchestrator/orchestrator.db"),
        ("PrivacyAccountant", "privacy-accountant/ledger.db"),
        ("ClientWorker", "client-worker/client-worker.db"),
        ("Aggregator", "aggregator/aggregator.db"),
    ];

    private const string Keep = """
        create table bench_sent (message_id text, round integer, type text, created_at text, sent_at text);
        create trigger bench_keep before delete on outbox begin
            insert into bench_sent values (old.message_id, old.round, old.type, old.created_at, old.sent_at);
        end;
        """;

    private const string SelectSent = """
        select message_id as MessageId, round as Round, type as Type, created_at as CreatedAt, sent_at as SentAt from bench_sent where round is not null
        union all
        select message_id, round, type, created_at, sent_at from outbox where round is not null
        """;

    private const string SelectReceived = "select message_id as MessageId, received_at as ReceivedAt from inbox";

    /// <summary>Begins to keep what is deleted. The services have made their databases.</summary>
    public static void Attach(string stateFolder)
    {
        foreach (var (_, file) in Databases)
        {
            using var connection = Open(stateFolder, file);
            connection.Execute(Keep);
        }
    }

    /// <summary>A line for each kind of message, sender and receiver, in the order of a round; times in ms after the round's start.</summary>
    /// <param name="stateFolder">The services are stopped.</param>
    /// <param name="starts">Start of each round that counts, by its number.</param>
    public static IReadOnlyList<TimelineLine> Read(string stateFolder, IReadOnlyDictionary<int, DateTimeOffset> starts)
    {
        var sent = new List<(string From, Sent Message)>();
        var received = new List<(string To, Received Message)>();
        foreach (var (name, file) in Databases)
        {
            using var connection = Open(stateFolder, file);
            sent.AddRange(connection.Query<Sent>(SelectSent).Where(message => starts.ContainsKey(message.Round)).Select(message => (name, message)));
            received.AddRange(connection.Query<Received>(SelectReceived).Select(message => (name, message)));
        }

        var receptions = received.ToLookup(reception => reception.Message.MessageId);
        var hops =
            from message in sent
            from reception in receptions[message.Message.MessageId]
            let start = starts[message.Message.Round]
            select (message.From, reception.To, message.Message.Type, message.Message.Round,
                Created: MillisecondsAfter(start, message.Message.CreatedAt),
                Sent: message.Message.SentAt is { } sentAt ? MillisecondsAfter(start, sentAt) : double.NaN,
                Received: MillisecondsAfter(start, reception.Message.ReceivedAt));
        return hops
            .GroupBy(hop => (hop.Type, hop.From, hop.To))
            .Select(group => new TimelineLine
            {
                Type = group.Key.Type,
                From = group.Key.From,
                To = group.Key.To,
                Count = group.Count() / (double)starts.Count,
                FirstCreated = MedianOf(group.GroupBy(hop => hop.Round).Select(round => round.Min(hop => hop.Created))),
                LastCreated = MedianOf(group.GroupBy(hop => hop.Round).Select(round => round.Max(hop => hop.Created))),
                LastSent = MedianOf(group.GroupBy(hop => hop.Round).Select(round => round.Max(hop => hop.Sent))),
                FirstReceived = MedianOf(group.GroupBy(hop => hop.Round).Select(round => round.Min(hop => hop.Received))),
                LastReceived = MedianOf(group.GroupBy(hop => hop.Round).Select(round => round.Max(hop => hop.Received))),
            })
            .OrderBy(line => line.FirstCreated).ThenBy(line => line.FirstReceived)
            .ToList();
    }

    private static double MillisecondsAfter(DateTimeOffset start, string time) =>
        (DateTimeOffset.Parse(time, CultureInfo.InvariantCulture) - start).TotalMilliseconds;

    private static double MedianOf(IEnumerable<double> values) => Measurement.Quantile(values, 0.5);

    private static SqliteConnection Open(string stateFolder, string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(stateFolder, file), Mode = SqliteOpenMode.ReadWrite, Pooling = false, DefaultTimeout = 5,
        }.ToString());
        connection.Open();
        return connection;
    }

    private sealed record Sent
    {
        public required string MessageId { get; init; }
        public required int Round { get; init; }
        public required string Type { get; init; }
        public required string CreatedAt { get; init; }
        public string? SentAt { get; init; }
    }

    private sealed record Received
    {
        public required string MessageId { get; init; }
        public required string ReceivedAt { get; init; }
    }
}

/// <summary>One kind of message between two services: medians over the rounds, in ms after the round's start.</summary>
public sealed record TimelineLine
{
    public required string Type { get; init; }
    public required string From { get; init; }
    public required string To { get; init; }

    /// <summary>Messages a round.</summary>
    public required double Count { get; init; }

    public required double FirstCreated { get; init; }
    public required double LastCreated { get; init; }

    /// <summary>When the sender noted that the bus has it; nobody waits for that note.</summary>
    public required double LastSent { get; init; }

    public required double FirstReceived { get; init; }
    public required double LastReceived { get; init; }
}
