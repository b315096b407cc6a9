using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Tests;

public class ServiceHostTests
{
    [Theory]
    [InlineData("--Bus:Prefetch=0")]
    [InlineData("--Bus:Prefech=3")]
    [InlineData("--Bus:Transport=Pigeon")]
    public async Task A_wrong_option_ends_the_program_as_bad_input(string argument) => Assert.Equal(ServiceHost.BadInput, await RunAsync(argument));

    [Theory]
    [InlineData("--urls=http://127.0.0.1:0;http://+:0")]
    [InlineData("--urls=https://127.0.0.1:0")]
    [InlineData("--Kestrel:Endpoints:Api:Url=http://0.0.0.0:0")]
    [InlineData("--Kestrel:Certificates:Default:Path=/nowhere/tls.crt")]
    [InlineData("--Bus:Transport=RabbitMq", "--Bus:RabbitMqUrl=amqp://user:password@192.0.2.1/")]
    public async Task What_lies_open_to_a_network_does_not_start(params string[] arguments) => Assert.Equal(ServiceHost.BadInput, await RunAsync(arguments));

    [Theory]
    [InlineData(false)]
    [InlineData(true, "--environment=Development")]
    [InlineData(true, "--Security:AllowPlaintext=true", "--Security:AllowAnonymous=true")]
    public async Task It_may_where_somebody_has_decided_so(bool may, params string[] arguments)
    {
        // Not started: a test listens on loopback alone.
        var builder = WebApplication.CreateBuilder(["--urls=http://+:0", "--Bus:Transport=Memory", .. arguments]);
        builder.AddServiceDefaults();
        builder.AddBus(_ => { });
        await using var app = builder.Build();

        Assert.Equal(may ? null : typeof(OptionsValidationException), Record.Exception(app.MapServiceDefaults)?.GetType());
    }

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
