using FlEvents.ClientWorker.Data;

namespace FlEvents.ClientWorker.Tests.Data;

public class NewestCacheTests
{
    [Fact]
    public async Task A_value_is_loaded_once_for_all_who_ask_while_it_loads()
    {
        var cache = new NewestCache<string, int>(2);
        var loads = 0;
        var gate = new TaskCompletionSource<int>();
        var asks = Enumerable.Range(0, 5).Select(_ => cache.GetAsync("a", () => Load(), CancellationToken.None)).ToList();
        gate.SetResult(7);
        int[] values = await Task.WhenAll(asks);
        Assert.Equal([7, 7, 7, 7, 7], values);
        Assert.Equal(1, loads);

        Task<int> Load()
        {
            loads++;
            return gate.Task;
        }
    }

    [Fact]
    public async Task The_value_not_asked_for_the_longest_makes_room()
    {
        var cache = new NewestCache<string, int>(2);
        var loads = new List<string>();
        foreach (var key in new[] { "a", "b", "a", "c", "a", "b" })
        {
            await cache.GetAsync(key, () => { loads.Add(key); return Task.FromResult(0); }, CancellationToken.None);
        }

        Assert.Equal(["a", "b", "c", "b"], loads);
    }

    [Fact]
    public async Task A_failed_load_is_tried_again_by_the_next_who_asks()
    {
        var cache = new NewestCache<string, int>(2);
        await Assert.ThrowsAsync<IOException>(() => cache.GetAsync("a", () => Task.FromException<int>(new IOException("disk")), CancellationToken.None));
        Assert.Equal(3, await cache.GetAsync("a", () => Task.FromResult(3), CancellationToken.None));
    }

    [Fact]
    public async Task Who_gives_up_does_not_stop_the_load_for_others()
    {
        var cache = new NewestCache<string, int>(2);
        var gate = new TaskCompletionSource<int>();
        using var impatience = new CancellationTokenSource();
        var impatient = cache.GetAsync("a", () => gate.Task, impatience.Token);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        var patient = cache.GetAsync("a", () => throw new InvalidOperationException("It is loading already."), CancellationToken.None);
        gate.SetResult(4);
        Assert.Equal(4, await patient);
    }
}
