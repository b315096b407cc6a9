using Microsoft.Net.Http.Headers;

namespace FlEvents.Aggregator.Api;

/// <summary>Which part of a blob a request carries.</summary>
/// <param name="First">Offset of its first byte.</param>
/// <param name="Length">Bytes it carries.</param>
/// <param name="Total">Bytes of the whole blob.</param>
public readonly record struct ContentRange(long First, long Length, long Total)
{
    /// <summary>The range a request states; without one its body is the whole blob. Null when neither is well-formed.</summary>
    public static ContentRange? Read(HttpRequest request)
    {
        var text = request.Headers.ContentRange.ToString();
        if (text.Length == 0)
        {
            return request.ContentLength is { } whole and > 0 ? new ContentRange(0, whole, whole) : null;
        }

        return ContentRangeHeaderValue.TryParse(text, out var range)
            && range is { Unit.Value: "bytes", From: { } from, To: { } to, Length: { } total }
            && (request.ContentLength is null || request.ContentLength == to - from + 1)
                ? new ContentRange(from, to - from + 1, total)
                : null;
    }
}
