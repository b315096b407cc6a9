using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Metrics;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;
using Microsoft.Extensions.Options;

namespace FlEvents.PrivacyAccountant;

/// <summary>Keeps the privacy ledger: what every data set has spent, charged before any work is handed out.</summary>
public static class PrivacyAccountantService
{
    public static void AddPrivacyAccountant(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<PrivacyAccountantOptions>(PrivacyAccountantOptions.Section, PrivacyAccountantOptions.Check);
        builder.Services.AddSingleton(provider => new LedgerPolicy { Defaults = provider.GetRequiredService<IOptions<PrivacyAccountantOptions>>().Value.Budgets });
        builder.Services.AddServiceDatabase<LedgerDatabase>(provider => new DatabaseSettings
            {
                Name = "privacy-accountant",
                Path = Path.Combine(provider.GetRequiredService<IOptions<PrivacyAccountantOptions>>().Value.DataFolder, "ledger.db"),
                // Whatever the durability of the rest: a charge that a power cut undoes would be spent twice.
                Synced = true,
                KeepsAudit = true,
                Schema = typeof(LedgerStore).Assembly,

                // A copy is older than what was charged since: it must not charge before it knows that.
                OnRestored = (transaction, copy) => LedgerQuarantines.Begin(
                    transaction, new QuarantineCause { Code = LedgerReason.Restored, SnapshotId = copy.SnapshotId, TakenAt = copy.TakenAt }),
            });
        builder.Services.AddSingleton(provider => new LedgerStore(provider.GetRequiredService<LedgerDatabase>()));
        builder.Services.AddSingleton<PrivacyAccountantMetrics>();
        builder.Services.AddServiceMetrics<LedgerMetrics>();
        builder.Services.AddSingleton<LedgerTransactions>();
        builder.Services.AddHealthChecks().AddCheck<LedgerHealth>("ledger", tags: ["ready"]);
    }

    public static void AddPrivacyAccountantConsumers(this IBusRegistrationConfigurator bus)
    {
        bus.AddConsumer<ReserveBudgetConsumer>().Endpoint(endpoint => endpoint.Name = Routes.PrivacyAccountant);
        bus.AddConsumer<CommitBudgetConsumer>().Endpoint(endpoint => endpoint.Name = Routes.PrivacyAccountant);
        bus.AddConsumer<RefundBudgetConsumer>().Endpoint(endpoint => endpoint.Name = Routes.PrivacyAccountant);
        bus.AddConsumer<ChargeOutputConsumer>().Endpoint(endpoint => endpoint.Name = Routes.PrivacyAccountant);
        bus.AddConsumer<LedgerReportConsumer>().Endpoint(endpoint => endpoint.Name = Routes.PrivacyAccountant);
        bus.AddConsumer<RunCompletedConsumer>().Endpoint(endpoint => endpoint.Name = Routes.PrivacyAccountant);
    }

    public static void MapPrivacyAccountant(this WebApplication app)
    {
        // Made now, so that the head is shown before the first message.
        app.Services.GetRequiredService<PrivacyAccountantMetrics>();
        app.MapLedger();
        app.MapLedgerQuarantine();
    }
}
