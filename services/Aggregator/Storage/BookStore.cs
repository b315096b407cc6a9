using System.Text.Json;
using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>Keeps books, their members, and messages that came before them.</summary>
public static class BookStore
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private const string Columns = """
        round_id, run_id, round, state, base_sha256, base_size, cohort_size, members, admitted, result_sha256, result_size, evaluation,
        clip_norm, next_clip_norm, receipt_seq, receipt_hash
        """;

    private const string SelectOne = $"select {Columns} from book where round_id = @roundId";

    public static Book? Find(Transaction transaction, Guid roundId) => transaction.QuerySingleOrDefault<Row>(SelectOne, new { roundId })?.ToBook();

    private const string SelectInState = $"select {Columns} from book where state = @state";

    public static IReadOnlyList<Book> InState(Transaction transaction, BookState state) =>
        transaction.Query<Row>(SelectInState, new { state = state.ToString() }).Select(row => row.ToBook()).ToList();

    private const string SelectNextClipNorm = """
        select next_clip_norm from book where run_id = @runId and round < @round and state = 'Released' order by round desc limit 1
        """;

    /// <summary>The clipping norm that the last released round before this one has left for it; null where none has.</summary>
    public static double? NextClipNorm(Transaction transaction, Guid runId, int round) => transaction.Scalar<double?>(SelectNextClipNorm, new { runId, round });

    private const string Upsert = """
        insert into book (round_id, run_id, round, state, base_sha256, base_size, cohort_size, members, admitted)
        values (@RoundId, @RunId, @Round, @State, @BaseSha256, @BaseSize, @CohortSize, @Members, @Admitted)
        on conflict (round_id) do update set state = @State, cohort_size = @CohortSize, members = @Members, admitted = @Admitted,
            result_sha256 = @ResultSha256, result_size = @ResultSize, evaluation = @Evaluation, clip_norm = @ClipNorm, next_clip_norm = @NextClipNorm,
            receipt_seq = @ReceiptSeq, receipt_hash = @ReceiptHash
        """;

    public static void Save(Transaction transaction, Book book) => transaction.Execute(Upsert, Row.Of(book));

    private const string MemberColumns = """
        round_id, client_id, reservation_id, lease_number, lease_token_sha256, example_count, key_sha256, state, update_sha256, update_size, weight, carried_to
        """;

    private const string SelectMember = $"select {MemberColumns} from book_member where round_id = @roundId and client_id = @clientId";

    public static BookMember? FindMember(Transaction transaction, Guid roundId, string clientId) =>
        transaction.QuerySingleOrDefault<BookMember>(SelectMember, new { roundId, clientId });

    private const string SelectByReservation = $"select {MemberColumns} from book_member where reservation_id = @reservationId";

    public static BookMember? FindByReservation(Transaction transaction, Guid reservationId) =>
        transaction.QuerySingleOrDefault<BookMember>(SelectByReservation, new { reservationId });

    private const string SelectAdmitted = $"""
        select {MemberColumns} from book_member where round_id = @roundId and state = 'Admitted'
        union all
        select {MemberColumns} from book_member where carried_to = @roundId
        order by client_id
        """;

    /// <summary>The manifest of a frozen book: its admitted updates, late ones of earlier rounds among them, in client-id order.</summary>
    public static IReadOnlyList<BookEntry> Manifest(Transaction transaction, Book book) =>
    [
        .. transaction.Query<BookMember>(SelectAdmitted, new { roundId = book.RoundId }).Select(member =>
            new BookEntry(member, member.CarriedTo is null ? 0 : book.Round - Find(transaction, member.RoundId)!.Round)),
    ];

    private const string CountMembers = "select count(*) from book_member where round_id = @roundId";

    /// <summary>As <see cref="IBookTables.CountTasks"/>: a late update's member stays in the book of its task.</summary>
    public static int CountTasks(Transaction transaction, Guid roundId) => transaction.Scalar<int>(CountMembers, new { roundId });

    private const string UpsertMember = """
        insert into book_member (round_id, client_id, reservation_id, lease_number, lease_token_sha256, example_count, key_sha256, state)
        values (@RoundId, @ClientId, @ReservationId, @LeaseNumber, @LeaseTokenSha256, @ExampleCount, @KeySha256, @State)
        on conflict (round_id, client_id) do update set lease_number = @LeaseNumber, lease_token_sha256 = @LeaseTokenSha256, state = @State,
            update_sha256 = @UpdateSha256, update_size = @UpdateSize, weight = @Weight, carried_to = @CarriedTo
        """;

    public static void SaveMember(Transaction transaction, BookMember member) => transaction.Execute(UpsertMember, new
    {
        member.RoundId,
        member.ClientId,
        member.ReservationId,
        member.LeaseNumber,
        member.LeaseTokenSha256,
        member.ExampleCount,
        member.KeySha256,
        State = member.State.ToString(),
        member.UpdateSha256,
        member.UpdateSize,
        member.Weight,
        member.CarriedTo,
    });

    private const string UpdateLeft = "update book_member set has_left = 1 where client_id = @clientId";

    /// <summary>Notes that a client has left: nothing of it is kept beyond its rounds.</summary>
    public static void MarkLeft(Transaction transaction, string clientId) => transaction.Execute(UpdateLeft, new { clientId });

    private const string InsertEarly = "insert into early_message (round_id, type, body, kept_at) values (@roundId, @type, @body, @now)";

    private const string DeleteOldestEarly = "delete from early_message where seq <= (select max(seq) from early_message) - @most";

    /// <summary>Early messages kept; beyond it the oldest go, so that nobody can fill a disk with messages about rounds that there are not.</summary>
    public const int MostEarly = 100_000;

    /// <summary>Keeps a message until the round's book grows.</summary>
    public static void KeepEarly(Transaction transaction, Guid roundId, object message)
    {
        transaction.Execute(
            InsertEarly, new { roundId, type = message.GetType().Name, body = JsonSerializer.Serialize(message, message.GetType(), Json), now = transaction.Now });
        transaction.Execute(DeleteOldestEarly, new { most = MostEarly });
    }

    private const string DeleteEarlyBefore = "delete from early_message where kept_at < @before";

    /// <summary>Forgets kept messages whose book never came.</summary>
    public static void ForgetEarly(Transaction transaction, DateTimeOffset before) => transaction.Execute(DeleteEarlyBefore, new { before });

    private const string SelectEarly = "select type, body from early_message where round_id = @roundId order by seq";
    private const string DeleteEarly = "delete from early_message where round_id = @roundId";

    /// <summary>Sends kept messages of a round to this service again, as new ones.</summary>
    public static void ReplayEarly(Transaction transaction, Guid roundId)
    {
        var kept = transaction.Query<OutboxRow>(SelectEarly, new { roundId });
        if (kept.Count > 0)
        {
            transaction.Execute(DeleteEarly, new { roundId });
            foreach (var message in kept)
            {
                transaction.Send(message.Decode().Message, Routes.Aggregator);
            }
        }
    }

    private sealed record Row
    {
        public required Guid RoundId { get; init; }
        public required Guid RunId { get; init; }
        public required int Round { get; init; }
        public required string State { get; init; }
        public required string BaseSha256 { get; init; }
        public required long BaseSize { get; init; }
        public required int CohortSize { get; init; }
        public required int Members { get; init; }
        public required int Admitted { get; init; }
        public string? ResultSha256 { get; init; }
        public long? ResultSize { get; init; }
        public string? Evaluation { get; init; }
        public double? ClipNorm { get; init; }
        public double? NextClipNorm { get; init; }
        public long? ReceiptSeq { get; init; }
        public string? ReceiptHash { get; init; }

        public static Row Of(Book book) => new()
        {
            RoundId = book.RoundId,
            RunId = book.RunId,
            Round = book.Round,
            State = book.State.ToString(),
            BaseSha256 = book.BaseModel.Sha256,
            BaseSize = book.BaseModel.SizeBytes,
            CohortSize = book.CohortSize,
            Members = book.Members,
            Admitted = book.Admitted,
            ResultSha256 = book.Result?.Sha256,
            ResultSize = book.Result?.SizeBytes,
            Evaluation = book.Evaluation is null ? null : JsonSerializer.Serialize(book.Evaluation, Json),
            ClipNorm = book.ClipNorm,
            NextClipNorm = book.NextClipNorm,
            ReceiptSeq = book.Receipt?.Sequence,
            ReceiptHash = book.Receipt?.Hash,
        };

        public Book ToBook() => new()
        {
            RoundId = RoundId,
            RunId = RunId,
            Round = Round,
            State = Enum.Parse<BookState>(State),
            BaseModel = new BlobRef { Sha256 = BaseSha256, SizeBytes = BaseSize },
            CohortSize = CohortSize,
            Members = Members,
            Admitted = Admitted,
            Result = ResultSha256 is null ? null : new BlobRef { Sha256 = ResultSha256, SizeBytes = ResultSize!.Value },
            Evaluation = Evaluation is null ? null : JsonSerializer.Deserialize<ModelEvaluation>(Evaluation, Json),
            ClipNorm = ClipNorm,
            NextClipNorm = NextClipNorm,
            Receipt = ReceiptHash is null ? null : new LedgerReceipt { Sequence = ReceiptSeq!.Value, Hash = ReceiptHash },
        };
    }
}
