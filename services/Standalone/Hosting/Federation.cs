using FlEvents.Aggregator;
using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Storage;
using FlEvents.ClientWorker;
using FlEvents.ClientWorker.Updates;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.Orchestrator;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Events;
using FlEvents.Orchestrator.Storage;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.RunFiles;
using Microsoft.AspNetCore.Hosting;

namespace FlEvents.Standalone.Hosting;

/// <summary>All four services in one process, on an in-memory bus or on RabbitMQ, with the clients of a simulation.</summary>
public sealed class Federation : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly RunFile _file;

    private Federation(WebApplication app, RunFile file)
    {
        _app = app;
        _file = file;
    }

    /// <summary>Address of the HTTP endpoints, on loopback.</summary>
    public string Url => _app.Urls.First();

    /// <summary>Starts the services.</summary>
    /// <param name="stateFolder">What they keep; a folder of an earlier start is gone on with.</param>
    /// <param name="url">Address to listen on.</param>
    /// <param name="adjust">Puts services of the host's own in the place of these; null for none.</param>
    public static async Task<Federation> StartAsync(
        RunFile file, string stateFolder, Transport transport, string url, CancellationToken cancellationToken, Action<IServiceCollection>? adjust = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.Configuration.AddJsonStream(FederationSettings.Create(file, stateFolder, transport, Environment.ProcessorCount));
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        builder.Logging.AddFilter(null, LogLevel.Warning);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.WebHost.UseUrls(url);
        builder.AddServiceDefaults();
        builder.AddOrchestrator();
        builder.AddAggregator();
        builder.AddPrivacyAccountant();
        builder.Services.AddSingleton<IModelSource>(provider => new FolderModelSource(provider.GetRequiredService<BlobStores>().Models));
        builder.Services.AddSingleton<IUpdateSink>(provider => new InProcessUpdateSink(provider.GetRequiredService<UpdateReception>()));
        builder.AddClientWorker();
        builder.AddBus(bus =>
        {
            bus.AddOrchestratorConsumers();
            bus.AddAggregatorConsumers();
            bus.AddPrivacyAccountantConsumers();
            bus.AddClientWorkerConsumers(builder.Configuration);
        });
        adjust?.Invoke(builder.Services);
        var app = builder.Build();
        try
        {
            // Opens the databases already, for those who measure.
            app.MapServiceDefaults();
            app.MapOrchestrator();
            app.MapAggregator();
            app.MapPrivacyAccountant();
            app.MapClientWorker();
            await app.StartAsync(cancellationToken);
            return new Federation(app, file);
        }
        catch
        {
            // What has begun to run ends here: nobody has hold of it.
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates the run once all clients are enrolled, or finds it when it was created before; yields its progress to its end.</summary>
    public async IAsyncEnumerable<ProgressEvent> RunAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await EnrolledAsync(cancellationToken);
        var creation = await _app.Services.GetRequiredService<RunCommands>().CreateAsync(_file.Run, idempotencyKey: "simulation", cancellationToken);
        await foreach (var change in _app.Services.GetRequiredService<RunProgress>().WatchAsync(creation.Run.RunId, cancellationToken))
        {
            yield return change;
        }
    }

    /// <summary>The run's rounds and what each client did.</summary>
    public (IReadOnlyList<RoundView> Rounds, IReadOnlyList<ContributionView> Contributions) Results(Guid runId) =>
        _app.Services.GetRequiredService<OrchestratorDatabase>().Read(transaction =>
            (RunViews.Rounds(transaction, runId), MemberStore.Contributions(transaction, runId)));

    /// <summary>What the run's clients have spent, in both units, by the ledger.</summary>
    public IReadOnlyList<ClientSpending> Spending(IEnumerable<ContributionView> clients)
    {
        var ledger = _app.Services.GetRequiredService<LedgerStore>();
        return
        [
            .. from client in clients
               from view in ledger.LedgersOf(client.ClientId)
               where view.Ledger.DataSet == _file.Run.Data.DataSet
               from unit in view.Units
               select new ClientSpending
               {
                   ClientId = client.ClientId,
                   Unit = unit.Unit,
                   IsUnbounded = unit.Unbounded > 0,
                   SpentUnits = unit.SpentUnits,
                   Measure = PrivacyMeasure.Of(unit.Measure, unit.Alpha),
                   Budget = unit.Budget,
                   Charges = ledger.Charges(view.LedgerId, unit.Unit),
               },
        ];
    }

    /// <summary>The event log of a run that has ended, in order.</summary>
    public async Task<IEnumerable<EventRecord>> EventsAsync(Guid runId, CancellationToken cancellationToken)
    {
        // Word of an update may be on its way still when its round has ended. It comes unless the process was killed just then, so not for ever.
        var database = _app.Services.GetRequiredService<OrchestratorDatabase>();
        for (var look = 0; look < 250 && !database.Read(transaction => EventStore.IsWhole(transaction, runId)); look++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
        }

        return Pages(0).SelectMany(page => page);

        IEnumerable<IReadOnlyList<EventRecord>> Pages(long after)
        {
            for (var page = Page(after); page.Count > 0; page = Page(page[^1].Sequence))
            {
                yield return page;
            }
        }

        IReadOnlyList<EventRecord> Page(long after) => database.Read(transaction => EventStore.Page(transaction, runId, after, EventEndpoints.LargestPage));
    }

    /// <summary>Bytes of a run's newest model.</summary>
    public Task<byte[]> ModelAsync(RunView run, CancellationToken cancellationToken) =>
        _app.Services.GetRequiredService<IModelSource>().ReadAsync(run.Model!, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _app.StopAsync();
        }
        finally
        {
            await _app.DisposeAsync();
        }
    }

    // The cohort is drawn among the clients that are there: a run that began with some of them would draw another one.
    private async Task EnrolledAsync(CancellationToken cancellationToken)
    {
        var database = _app.Services.GetRequiredService<OrchestratorDatabase>();
        var timeout = TimeSpan.FromSeconds(_app.Services.GetRequiredService<OrchestratorOptions>().ClientTimeoutSeconds);
        while (database.Read(transaction => ClientStore.All(transaction, timeout)).Count(client => client.Alive) < _file.Simulation.Clients)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
        }
    }
}
