using FlEvents.Aggregator;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;

return await ServiceHost.RunAsync(
    args,
    defaultPort: 5081,
    builder =>
    {
        builder.AddAggregator();
        builder.AddBus(bus => bus.AddAggregatorConsumers());
    },
    app => app.MapAggregator());
