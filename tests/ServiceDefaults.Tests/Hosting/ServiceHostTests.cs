using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Tests;

public class ServiceHostTests
{
    [Theory]
    [InlineData("--Bus:Prefetch=0")]
    [InlineData("--Bus:Prefech=3")]
    [InlineData("--Bus:Transport=Pigeon")]
    public async Task A_wrong_option_ends_the_program_as_bad_input(string argument) => Assert.Equal(ServiceHost.BadInput, await RunAsync(argument));

    [Fact]
    public async Task A_service_that_is_told_to_stop_ends_well() => Assert.Equal(0, await RunAsync());

    [Fact]
    public async Task Health_life_and_metrics_are_served()
    {
        var answers = new List<string>();
        await RunAsync(async address =>
        {
            using var http = new HttpClient { BaseAddress = new Uri(address) };
            answers.Add(await http.GetStringAsync("alive"));
            answers.Add((await http.GetAsync("metrics")).Content.Headers.ContentType!.ToString());
            answers.Add($"{(await http.GetAsync("nowhere")).StatusCode}");
        });

        Assert.Equal(["Healthy", "text/plain; version=0.0.4; charset=utf-8", "NotFound"], answers);
    }

    private static Task<int> RunAsync(params string[] arguments) => RunAsync(_ => Task.CompletedTask, arguments);

    private static Task<int> RunAsync(Func<string, Task> whileRunning, params string[] arguments) => ServiceHost.RunAsync(
        ["--urls=http://127.0.0.1:0", "--Bus:Transport=Memory", .. arguments],
        defaultPort: 0,
        builder =>
        {
            builder.Logging.ClearProviders();
            builder.AddBus(_ => { });
        },
        app => app.Lifetime.ApplicationStarted.Register(() => _ = Task.Run(async () =>
        {
            try
            {
                await whileRunning(app.Urls.First());
            }
            finally
            {
                app.Lifetime.StopApplication();
            }
        })));
}
