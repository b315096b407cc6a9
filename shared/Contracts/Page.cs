namespace FlEvents.Contracts;

/// <summary>Lists of clients travel in pages, so that every message stays under 64 KiB even with the longest names.</summary>
public static class Page
{
    /// <summary>Most clients in one message.</summary>
    public const int LargestSize = 128;

    /// <summary>Most clients in one message that names their data sets.</summary>
    public const int LargestOffered = 96;

    /// <summary>Most clients in one message that names their charges.</summary>
    public const int LargestCharged = 64;
}
