using FlEvents.ClientWorker.Training;

namespace FlEvents.ClientWorker.Tests.Training;

public class SlotsTests
{
    [Fact]
    public async Task A_place_is_handed_on_when_it_becomes_free()
    {
        using var slots = new Slots(1, brokerKeeps: true);
        var first = await slots.TakeAsync(CancellationToken.None);
        var second = slots.TakeAsync(CancellationToken.None);
        Assert.False(second.IsCompleted);
        Assert.Equal((1, 1), (slots.Taken, slots.Waiting));
        first.Dispose();
        using var _ = await second;
        Assert.Equal((1, 0), (slots.Taken, slots.Waiting));
    }

    [Fact]
    public async Task A_place_given_back_twice_is_one_place()
    {
        using var slots = new Slots(1, brokerKeeps: true);
        var first = await slots.TakeAsync(CancellationToken.None);
        first.Dispose();
        first.Dispose();
        using var _ = await slots.TakeAsync(CancellationToken.None);
        Assert.Equal(1, slots.Taken);
    }

    [Fact]
    public async Task Closed_slots_hand_out_no_place_and_let_go_of_who_waits_when_its_own_token_is_cancelled()
    {
        using var slots = new Slots(1, brokerKeeps: true);
        using var cancellation = new CancellationTokenSource();
        var first = await slots.TakeAsync(CancellationToken.None);
        var second = slots.TakeAsync(cancellation.Token);
        slots.Close();
        first.Dispose();
        var third = slots.TakeAsync(cancellation.Token);
        Assert.Equal(2, slots.Waiting);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        Assert.Equal(0, slots.Taken);
    }

    [Fact]
    public async Task Closed_slots_let_go_of_who_waits_at_once_where_no_broker_keeps_its_message()
    {
        using var slots = new Slots(1, brokerKeeps: false);
        using var first = await slots.TakeAsync(CancellationToken.None);
        var second = slots.TakeAsync(CancellationToken.None);
        slots.Close();
        await Assert.ThrowsAsync<OperationCanceledException>(() => second);
        await Assert.ThrowsAsync<OperationCanceledException>(() => slots.TakeAsync(CancellationToken.None));
        Assert.Equal(0, slots.Waiting);
    }
}
