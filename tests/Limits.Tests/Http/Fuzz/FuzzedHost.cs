using System.Collections.Concurrent;
using FlEvents.Aggregator;
using FlEvents.ClientWorker;
using FlEvents.EndToEnd.Tests;
using FlEvents.Orchestrator;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlEvents.Limits.Tests.Http;

/// <summary>
/// A service in this process as its program composes it, with keys, on a bus of its own where nobody else is, and without what it does by the clock: whatever changes is
/// the doing of a request.
/// </summary>
internal sealed class FuzzedHost : IAsyncDisposable
{
    /// <summary>Holds every scope.</summary>
    public const string Key = "fle_everything";

    /// <summary>Tells with each answer which endpoint has made it.</summary>
    public const string EndpointHeader = "X-Endpoint";

    private const string Unlimited = "1000000";
    private readonly WebApplication _app;
    private readonly Errors _errors;
    private readonly Tap _tap;

    private FuzzedHost(string name, string folder, WebApplication app, Errors errors, Tap tap)
    {
        (Name, _app, _errors, _tap) = (name, app, errors, tap);
        Url = new Uri(app.Urls.Single());
        Endpoints = ServiceEndpoints.Of(app);
        State = new StoredState(Path.Combine(folder, name));
    }

    public string Name { get; }

    public Uri Url { get; }

    public IReadOnlyList<ServiceEndpoint> Endpoints { get; }

    public StoredState State { get; }

    /// <summary>Services that it alone asks.</summary>
    public IReadOnlyList<FuzzedHost> Behind { get; set; } = [];

    /// <summary>Requests that it is working on, or has others working on.</summary>
    public int InProgress => RequestsInProgress + Behind.Sum(service => service.RequestsInProgress);

    /// <summary>Rows of quarantined messages, at the last call of <see cref="Changes"/>.</summary>
    public int Quarantined => State.Rows("quarantine") + Behind.Sum(service => service.State.Rows("quarantine"));

    /// <inheritdoc cref="StoredState.Changes"/>
    public IReadOnlyList<string> Changes() => [.. State.Changes().Union(Behind.SelectMany(service => service.State.Changes()))];

    /// <summary>What the service has logged as an error or worse.</summary>
    public IReadOnlyCollection<string> LoggedErrors => [.. _errors.Lines, .. Behind.SelectMany(service => service.LoggedErrors)];

    private int RequestsInProgress => _tap.InProgress;

    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>The key that has every scope but one.</summary>
    public static string KeyWithout(string scope) => $"fle_without-{scope.Replace(':', '-')}";

    /// <param name="folder">Folder in which the service's own has its name.</param>
    public static async Task<FuzzedHost> StartAsync(string name, string folder, params (string Key, string Value)[] settings)
    {
        var (errors, tap) = (new Errors(), new Tap());
        var app = ServiceEndpoints.Compose(
            name,
            folder,
            builder =>
            {
                builder.WebHost.UseUrls("http://127.0.0.1:0");
                builder.Logging.AddProvider(errors);
                builder.Services.AddSingleton<IStartupFilter>(tap);
                foreach (var byTheClock in builder.Services.Where(service => service.ServiceType == typeof(IHostedService) && service.ImplementationType?.Assembly.GetName().Name == $"FlEvents.{name}").ToList())
                {
                    builder.Services.Remove(byTheClock);
                }

                builder.AddBus(bus => AddConsumers(name, bus, builder));
            },
            [.. settings, .. name == "PrivacyAccountant" ? [] : new[] { ($"{name}:Durability", "Process") }, .. Keys()]);
        await app.StartAsync(TestContext.Current.CancellationToken);
        await app.Services.GetRequiredService<IBusControl>().WaitForHealthStatus(BusHealthStatus.Healthy, Product.Patience);
        return new FuzzedHost(name, folder, app, errors, tap);
    }

    public async ValueTask DisposeAsync()
    {
        State.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static void AddConsumers(string name, IBusRegistrationConfigurator bus, WebApplicationBuilder builder)
    {
        Action add = name switch
        {
            "Orchestrator" => bus.AddOrchestratorConsumers,
            "Aggregator" => bus.AddAggregatorConsumers,
            "PrivacyAccountant" => bus.AddPrivacyAccountantConsumers,
            _ => () => bus.AddClientWorkerConsumers(builder.Configuration),
        };
        add();
    }

    private static IEnumerable<(string, string)> Keys() =>
    [
        ("Security:ApiKeys:all:Sha256", ApiKey.Hash(Key)),
        ("Security:ApiKeys:all:Scopes", string.Join(' ', Scopes.All)),
        .. from scope in Scopes.All
           from setting in new[] { ("Sha256", ApiKey.Hash(KeyWithout(scope))), ("Scopes", string.Join(' ', Scopes.All.Where(other => other != scope))) }
           select ($"Security:ApiKeys:without-{scope.Replace(':', '-')}:{setting.Item1}", setting.Item2),
        .. new[] { "RequestsPerSecond", "RequestsAtOnce", "StrangersRequestsPerSecond", "StrangersRequestsAtOnce" }.Select(limit => ($"Security:{limit}", Unlimited)),
    ];

    /// <summary>Sits before everything else that a request passes.</summary>
    private sealed class Tap : IStartupFilter
    {
        private int _inProgress;

        public int InProgress => Volatile.Read(ref _inProgress);

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (http, rest) =>
            {
                Interlocked.Increment(ref _inProgress);
                http.Response.OnStarting(() =>
                {
                    http.Response.Headers[EndpointHeader] = http.GetEndpoint() is RouteEndpoint endpoint
                        ? $"{(endpoint.Metadata.GetMetadata<IHttpMethodMetadata>() is null ? "GET" : http.Request.Method.ToUpperInvariant())} {endpoint.RoutePattern.RawText}"
                        : "";
                    return Task.CompletedTask;
                });
                try
                {
                    await rest(http);
                }
                finally
                {
                    Interlocked.Decrement(ref _inProgress);
                }
            });
            next(app);
        };
    }

    private sealed class Errors : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Lines.Enqueue($"{formatter(state, exception)} {exception}");
            }
        }

        public void Dispose()
        {
        }
    }
}
