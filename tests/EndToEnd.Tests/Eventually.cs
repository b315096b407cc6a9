namespace FlEvents.EndToEnd.Tests;

/// <summary>Waits for what another process does and does not tell.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    /// <summary>Returns once <paramref name="isSo"/> holds.</summary>
    /// <param name="what">What is waited for, as a sentence.</param>
    /// <exception cref="TimeoutException">It does not hold in time.</exception>
    public static async Task HoldsAsync(string what, Func<Task<bool>> isSo)
    {
        using var late = new CancellationTokenSource(Product.Patience);
        while (!await isSo())
        {
            if (late.IsCancellationRequested)
            {
                throw new TimeoutException($"Not so after {Product.Patience}: {what}");
            }

            await Task.Delay(Pause);
        }
    }

    /// <inheritdoc cref="HoldsAsync(string, Func{Task{bool}})"/>
    public static Task HoldsAsync(string what, Func<bool> isSo) => HoldsAsync(what, () => Task.FromResult(isSo()));
}
