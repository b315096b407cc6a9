using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>Reads what <see cref="BookMetrics"/> shows.</summary>
internal static class BookGaugeStore
{
    // The condition of the first is the one of the index of unfinished books.
    private const string CountAll = """
        select count(*) filter (where state = 'Frozen') as Frozen, count(*) filter (where state = 'Aggregated') as Aggregated,
            (select count(*) from early_message) as Early
        from book where state in ('Frozen', 'Aggregated')
        """;

    public static BookGauges Read(Transaction transaction) => transaction.QuerySingleOrDefault<BookGauges>(CountAll)!;
}

/// <summary>Closed books without a released model, and messages that came early.</summary>
internal sealed record BookGauges
{
    public required long Frozen { get; init; }
    public required long Aggregated { get; init; }
    public required long Early { get; init; }
}
