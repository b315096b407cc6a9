using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;

return await ServiceHost.RunAsync(
    args,
    defaultPort: 5082,
    builder =>
    {
        builder.AddPrivacyAccountant();
        builder.AddBus(bus => bus.AddPrivacyAccountantConsumers());
    },
    app => app.MapPrivacyAccountant());
