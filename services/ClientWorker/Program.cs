using FlEvents.ClientWorker;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;

return await ServiceHost.RunAsync(
    args,
    defaultPort: 5083,
    builder =>
    {
        builder.AddClientWorker();
        builder.AddBus(bus => bus.AddClientWorkerConsumers(builder.Configuration));
    },
    app => app.MapClientWorker());
