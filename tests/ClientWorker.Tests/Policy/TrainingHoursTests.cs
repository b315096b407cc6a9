using System.Globalization;
using FlEvents.ClientWorker.Policy;
using FlEvents.Testing;

namespace FlEvents.ClientWorker.Tests.Policy;

/// <summary>Hours by the clocks of a place, while these go on, go forward and go back.</summary>
public class TrainingHoursTests
{
    private static readonly TrainingHours Night = new() { TimeZone = "Europe/Berlin", From = "20:00", To = "06:00" };

    // Berlin is an hour ahead of UTC in winter, two in summer.
    [Theory]
    [InlineData("2030-01-15T18:59:59.9999999Z", false)]
    [InlineData("2030-01-15T19:00:00Z", true)]
    [InlineData("2030-01-15T23:00:00Z", true)]
    [InlineData("2030-01-16T04:59:59.9999999Z", true)]
    [InlineData("2030-01-16T05:00:00Z", false)]
    [InlineData("2030-07-15T17:59:59Z", false)]
    [InlineData("2030-07-15T18:00:00Z", true)]
    [InlineData("2030-07-16T03:59:59Z", true)]
    [InlineData("2030-07-16T04:00:00Z", false)]
    public void Hours_over_midnight_begin_on_their_first_minute_and_end_before_their_last(string at, bool admitted) => Assert.Equal(admitted, Night.Admit(Time(at)));

    [Theory]
    [InlineData("2030-01-15T07:59:59Z", false)]
    [InlineData("2030-01-15T08:00:00Z", true)]
    [InlineData("2030-01-15T15:59:59Z", true)]
    [InlineData("2030-01-15T16:00:00Z", false)]
    public void Hours_of_one_day_end_before_their_last_minute(string at, bool admitted) =>
        Assert.Equal(admitted, (Night with { From = "09:00", To = "17:00" }).Admit(Time(at)));

    // On 31 March 2030 the clocks of Berlin go from 02:00 to 03:00 at 01:00 UTC.
    [Fact]
    public void An_hour_that_is_skipped_in_spring_is_not_there()
    {
        var hours = Night with { From = "02:00", To = "03:30" };
        var time = new FakeTime(Time("2030-03-31T00:59:59Z"));
        Assert.False(hours.Admit(time.GetUtcNow()));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(new TimeOnly(3, 0), hours.LocalTime(time.GetUtcNow()));
        Assert.True(hours.Admit(time.GetUtcNow()));
        time.Advance(TimeSpan.FromMinutes(30));
        Assert.False(hours.Admit(time.GetUtcNow()));
        Assert.Equal(0, MinutesAdmitted(Night with { From = "02:00", To = "03:00" }, Time("2030-03-30T23:00:00Z"), hours: 23));
    }

    // On 27 October 2030 they go from 03:00 back to 02:00 at 01:00 UTC.
    [Fact]
    public void An_hour_that_comes_twice_in_autumn_counts_both_times() =>
        Assert.Equal(120, MinutesAdmitted(Night with { From = "02:00", To = "03:00" }, Time("2030-10-26T22:00:00Z"), hours: 25));

    [Theory]
    [InlineData("2030-03-31T16:00:00Z", 10)]
    [InlineData("2030-03-30T16:00:00Z", 9)]
    [InlineData("2030-10-26T16:00:00Z", 11)]
    public void A_night_is_as_long_as_the_clocks_make_it(string from, int hours) => Assert.Equal(hours * 60, MinutesAdmitted(Night, Time(from), hours: 20));

    private static int MinutesAdmitted(TrainingHours of, DateTimeOffset from, int hours)
    {
        var time = new FakeTime(from);
        var admitted = 0;
        for (var minute = 0; minute < hours * 60; minute++)
        {
            admitted += of.Admit(time.GetUtcNow()) ? 1 : 0;
            time.Advance(TimeSpan.FromMinutes(1));
        }

        return admitted;
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
