namespace FlEvents.EndToEnd.Tests;

/// <summary>A run is paused, resumed and stopped over its API.</summary>
public sealed class StopTests(ApiServer server) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task A_run_is_paused_goes_on_and_is_stopped_with_its_last_model()
    {
        await Eventually.HoldsAsync("a round is done", async () => (await DoneAsync()) > 0);
        Assert.Equal("paused", await server.Api.PostAsync(server.RunId, "pause"));
        await Eventually.HoldsAsync("the open round has ended", async () =>
            (await server.Api.RoundsAsync(server.RunId)).All(round => round.GetProperty("state").GetString() is "done" or "abandoned"));
        var paused = await DoneAsync();

        // Another run's whole life is time enough for a round more.
        await server.Api.EndAsync(await server.Api.CreateAsync(TinyRun.Body()));
        Assert.Equal(paused, (await server.Api.RoundsAsync(server.RunId)).Count);

        Assert.Equal("running", await server.Api.PostAsync(server.RunId, "resume"));
        await Eventually.HoldsAsync("another round is done", async () => await DoneAsync() > paused);
        Assert.Contains(await server.Api.PostAsync(server.RunId, "stop"), new[] { "running", "stopped" });

        Assert.Equal(0, await server.Program.WaitForExitAsync(Product.Patience));
        var summary = Product.Summary(server.Out);
        Assert.Equal("stopped", summary.GetProperty("state").GetString());
        var last = summary.GetProperty("rounds").EnumerateArray().Last(round => round.GetProperty("state").GetString() == "done");
        Assert.Equal(last.GetProperty("modelSha256").GetString(), summary.GetProperty("modelSha256").GetString());
        Assert.Equal(Product.ModelSha256(server.Out), summary.GetProperty("modelSha256").GetString());
    }

    private async Task<int> DoneAsync() => (await server.Api.RoundsAsync(server.RunId)).Count(round => round.GetProperty("state").GetString() == "done");
}
