using FlEvents.Orchestrator;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;

return await ServiceHost.RunAsync(
    args,
    defaultPort: 5080,
    builder =>
    {
        builder.AddOrchestrator();
        builder.AddBus(bus => bus.AddOrchestratorConsumers());
    },
    app => app.MapOrchestrator());
