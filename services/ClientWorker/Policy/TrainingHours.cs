using System.Globalization;

namespace FlEvents.ClientWorker.Policy;

/// <summary>A part of each day by the clocks of a place, over midnight where it begins later than it ends.</summary>
/// <remarks>
/// A moment is judged by what a clock on the wall shows then: an hour that is skipped when clocks go forward is not there, and one that comes twice counts
/// both times.
/// </remarks>
public sealed record TrainingHours
{
    private const string Form = "HH:mm";

    /// <summary>IANA name of the place's time zone, such as <c>Europe/Berlin</c>.</summary>
    public required string TimeZone { get; init; }

    /// <summary>First minute at which training may begin, <c>HH:mm</c>.</summary>
    public required string From { get; init; }

    /// <summary>First minute at which it may not any more, <c>HH:mm</c>.</summary>
    public required string To { get; init; }

    /// <summary>Whether training may begin now.</summary>
    public bool Admit(DateTimeOffset now) => LocalTime(now).IsBetween(Parse(From)!.Value, Parse(To)!.Value);

    /// <summary>What the clocks of the place show.</summary>
    public TimeOnly LocalTime(DateTimeOffset now) => TimeOnly.FromTimeSpan(TimeZoneInfo.ConvertTime(now, TimeZoneInfo.FindSystemTimeZoneById(TimeZone)).TimeOfDay);

    internal IEnumerable<string> Check()
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out var zone) || !zone.HasIanaId)
        {
            yield return $"hours.timeZone is \"{TimeZone}\": expected an IANA name such as Europe/Berlin that this machine's time zone data knows.";
        }

        foreach (var (name, value) in new[] { ("from", From), ("to", To) })
        {
            if (Parse(value) is null)
            {
                yield return $"hours.{name} is \"{value}\": expected a time such as 06:30.";
            }
        }

        if (From == To)
        {
            yield return $"hours.from and hours.to are both \"{From}\": leave hours out to allow all of them.";
        }
    }

    private static TimeOnly? Parse(string text) =>
        TimeOnly.TryParseExact(text, Form, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : null;
}
