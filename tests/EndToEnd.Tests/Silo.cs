using FlEvents.ClientWorker;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlEvents.EndToEnd.Tests;

/// <summary>
/// A worker of its own beside a federation in the same process, as another site's: it has its own host, database and bus, and what it sends and is sent is
/// carried between the two buses.
/// </summary>
internal sealed class Silo(IServiceProvider federation, string clientId, string folder, string? policyFile) : IHostedService
{
    private WebApplication? _app;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Urls"] = "http://127.0.0.1:0",
            ["Bus:Transport"] = "Memory",
            ["ClientWorker:WorkerId"] = clientId,
            ["ClientWorker:ClientId"] = clientId,
            ["ClientWorker:Slots"] = "1",
            ["ClientWorker:DataFolder"] = folder,
            ["ClientWorker:Durability"] = "Process",
            ["ClientWorker:PolicyFile"] = policyFile,
            ["ClientWorker:DataSets:digits:Kind"] = "digits",
            ["ClientWorker:DataSets:digits:Count"] = "60",
        });
        builder.AddServiceDefaults();
        builder.Services.AddSingleton(federation.GetRequiredService<IModelSource>());
        builder.Services.AddSingleton(federation.GetRequiredService<IUpdateSink>());
        builder.Services.AddSingleton(new Outside(federation.GetRequiredService<IBus>()));
        builder.AddClientWorker();
        builder.AddBus(bus =>
        {
            bus.AddClientWorkerConsumers(builder.Configuration);
            Carry<WorkerHeartbeat>(bus, "outside");
            Carry<TrainingAccepted>(bus, "outside");
            Carry<TrainingRefused>(bus, "outside");
            Carry<TrainingInterrupted>(bus, "outside");
            Carry<LeaseRenewed>(bus, "outside");
            Carry<UpdateSubmitted>(bus, "outside");
            Carry<EvaluationSubmitted>(bus, "outside");
            Carry<EnrollClient>(bus, Routes.Orchestrator);
        });
        _app = builder.Build();
        _app.MapServiceDefaults();
        _app.MapClientWorker();
        await _app.StartAsync(cancellationToken);
        await _app.Services.GetRequiredService<IBusControl>().WaitForHealthStatus(BusHealthStatus.Healthy, cancellationToken);

        var inside = await _app.Services.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"exchange:{Routes.Silo(clientId)}"));
        await federation.GetRequiredService<IReceiveEndpointConnector>().ConnectReceiveEndpoint(Routes.Silo(clientId), (_, endpoint) =>
        {
            endpoint.ConfigureConsumeTopology = false;
            endpoint.Handler<TrainClient>(context => inside.Send(context.Message, sent => sent.MessageId = context.MessageId));
            endpoint.Handler<EvaluateModel>(context => inside.Send(context.Message, sent => sent.MessageId = context.MessageId));
        }).Ready.WaitAsync(cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is not null)
        {
            await _app.StopAsync(cancellationToken);
            await _app.DisposeAsync();
        }
    }

    private static void Carry<T>(IBusRegistrationConfigurator bus, string endpoint)
        where T : class => bus.AddConsumer<Carrier<T>>().Endpoint(configurator => configurator.Name = endpoint);

    /// <summary>The federation's bus: the worker's own is registered under the same interface.</summary>
    private sealed record Outside(IBus Bus);

    private sealed class Carrier<T>(Outside outside) : IConsumer<T>
        where T : class
    {
        public async Task Consume(ConsumeContext<T> context)
        {
            if (Routes.OwnerOf(typeof(T)) is { } owner)
            {
                var endpoint = await outside.Bus.GetSendEndpoint(new Uri($"exchange:{owner}"));
                await endpoint.Send(context.Message, sent => sent.MessageId = context.MessageId, context.CancellationToken);
            }
            else
            {
                await outside.Bus.Publish(context.Message, sent => sent.MessageId = context.MessageId, context.CancellationToken);
            }
        }
    }
}
