using System.IO.Compression;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>Keeps what the ledger was asked to charge and what it answered, so that a ledger that lost entries can be told of them.</summary>
public static class BudgetRequestStore
{
    private const string SelectNewest = "select sequence, hash from newest_receipt";

    /// <summary>Adds to a command for the ledger what proves that it has lost nothing, and keeps a request for charges.</summary>
    /// <returns>The message as it is to be sent; any other message as it is.</returns>
    public static object Prove(Transaction transaction, object message)
    {
        switch (message)
        {
            case ReserveBudget request:
                var proved = request with { LastReceipt = transaction.QuerySingleOrDefault<LedgerReceipt>(SelectNewest) };
                Insert(transaction, request);
                return proved;
            case CommitBudget commit:
                return commit with { Charged = transaction.Scalar<int>(CountReserved, new { runId = commit.RunId, round = commit.Round }) };
            default:
                return message;
        }
    }

    private const string CountReserved = """
        select coalesce(sum(json_array_length(reserved)), 0) from budget_request where run_id = @runId and round = @round
        """;

    private const string InsertOne = """
        insert into budget_request (run_id, round, first_client, last_client, body)
        select @runId, @round, @first, @last, @body
        where not exists (select 1 from budget_request where run_id = @runId and round = @round and first_client = @first)
        """;

    private static void Insert(Transaction transaction, ReserveBudget request) => transaction.Execute(InsertOne, new
    {
        runId = request.RunId,
        round = request.Round,
        first = request.Clients[0].ClientId,
        last = request.Clients[^1].ClientId,
        body = Compressed(request),
    });

    private const string UpdateAnswered = """
        update budget_request set reserved = @reserved, receipt_seq = @sequence, receipt_hash = @hash
        where run_id = @runId and round = @round and first_client <= @client and last_client >= @client
        """;

    private const string RaiseNewest = """
        insert into newest_receipt (id, sequence, hash) values (1, @sequence, @hash)
        on conflict do update set sequence = @sequence, hash = @hash where sequence < @sequence
        """;

    /// <summary>Keeps what the ledger answered.</summary>
    public static void Answered(Transaction transaction, BudgetReserved message)
    {
        if (message is not { Receipt: { } receipt, ClientIds.Count: > 0 })
        {
            return;
        }

        transaction.Execute(UpdateAnswered, new
        {
            runId = message.RunId,
            round = message.Round,
            client = message.ClientIds[0],
            reserved = JsonSerializer.Serialize(message.ClientIds),
            sequence = receipt.Sequence,
            hash = receipt.Hash,
        });
        transaction.Execute(RaiseNewest, new { sequence = receipt.Sequence, hash = receipt.Hash });
    }

    private const string SetNewest = "insert or replace into newest_receipt (id, sequence, hash) values (1, @Sequence, @Hash)";

    /// <summary>The ledger goes on from another entry: later ones may have numbers below those it gave before.</summary>
    public static void BeginAgain(Transaction transaction, LedgerReceipt receipt) => transaction.Execute(SetNewest, receipt);

    // The page's own answer, and the round's commit.
    private const string SelectNext = """
        select q.position, q.body, q.reserved, q.receipt_seq, q.receipt_hash, r.receipt_seq as commit_seq, r.receipt_hash as commit_hash
        from budget_request q left join round r on r.run_id = q.run_id and r.number = q.round
        where q.position > @cursor and q.reserved is not null and (q.receipt_seq > @after or r.receipt_seq > @after)
        order by q.position limit 1
        """;

    /// <summary>The next page that the ledger answered, or whose round it committed, after an entry.</summary>
    /// <param name="cursor">Where the last one was; 0 for the first.</param>
    public static AnsweredRequest? Next(Transaction transaction, long cursor, long after) =>
        transaction.QuerySingleOrDefault<Row>(SelectNext, new { cursor, after })?.ToAnswered();

    // Also those that were answered: the answer may be one that the ledger no longer knows of.
    private const string SelectUnanswered = """
        select q.body from budget_request q join round r on r.run_id = q.run_id and r.number = q.round where r.state = 'Planned' order by q.position
        """;

    /// <summary>Requests of rounds that wait for the ledger.</summary>
    public static IReadOnlyList<ReserveBudget> Unanswered(Transaction transaction) =>
        [.. transaction.Query<byte[]>(SelectUnanswered).Select(Decompressed)];

    private static byte[] Compressed(ReserveBudget request)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest))
        {
            JsonSerializer.Serialize(gzip, request, RunStore.Json);
        }

        return bytes.ToArray();
    }

    private static ReserveBudget Decompressed(byte[] body)
    {
        using var gzip = new GZipStream(new MemoryStream(body), CompressionMode.Decompress);
        return JsonSerializer.Deserialize<ReserveBudget>(gzip, RunStore.Json)!;
    }

    private sealed record Row
    {
        public required long Position { get; init; }
        public required byte[] Body { get; init; }
        public required string Reserved { get; init; }
        public required long ReceiptSeq { get; init; }
        public required string ReceiptHash { get; init; }
        public long? CommitSeq { get; init; }
        public string? CommitHash { get; init; }

        public AnsweredRequest ToAnswered()
        {
            var (request, reserved) = (Decompressed(Body), JsonSerializer.Deserialize<HashSet<string>>(Reserved)!);
            return new AnsweredRequest
            {
                Position = Position,
                Request = request with { Clients = [.. request.Clients.Where(client => reserved.Contains(client.ClientId))] },
                Receipts =
                [
                    new LedgerReceipt { Sequence = ReceiptSeq, Hash = ReceiptHash },
                    .. CommitSeq is { } sequence ? new[] { new LedgerReceipt { Sequence = sequence, Hash = CommitHash! } } : [],
                ],
            };
        }
    }
}

/// <summary>A request for charges that the ledger has answered.</summary>
public record AnsweredRequest
{
    public required long Position { get; init; }

    /// <summary>The request with the clients that were charged.</summary>
    public required ReserveBudget Request { get; init; }

    /// <summary>What the ledger gave for it: with its answer, and when its round was committed.</summary>
    public required IReadOnlyList<LedgerReceipt> Receipts { get; init; }
}
