using FlEvents.Contracts.Tests;

namespace FlEvents.CrashPoints.Tests;

/// <summary>The process dies at every crash point, loses all its memory, and is started again from its disk.</summary>
public sealed class CrashPointTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_federation_that_dies_at_any_point_goes_on_from_its_disk_with_nothing_lost_and_nothing_counted_twice()
    {
        var survival = new Survival(output);
        await survival.TellUndisturbedAsync();
        await survival.DieAsync(survival.Once(), inOneTelling: 4);
        survival.AssertSurvived();
    }

    [Fact]
    public async Task A_federation_that_dies_at_any_point_in_any_mode_the_first_the_second_or_the_last_time_goes_on_from_its_disk()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1", "Takes half an hour: set FLEVENTS_FULL=1, or ./test.sh --full.");
        var survival = new Survival(output);
        await survival.TellUndisturbedAsync();
        await survival.DieAsync(survival.Everywhere(), inOneTelling: 1);
        survival.AssertSurvived();
    }

    [Fact]
    public void Every_message_of_the_contracts_has_crash_points_where_it_is_sent() =>
        Assert.Equal(
            ContractTypes.Messages.Select(message => message.Name).Order(StringComparer.Ordinal),
            Registry.Sent.Values.SelectMany(messages => messages).Concat(Registry.Unkept).Distinct().Order(StringComparer.Ordinal));
}
