using FlEvents.Aggregator;
using FlEvents.ClientWorker;
using FlEvents.Contracts;
using FlEvents.Orchestrator;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Commands;
using MassTransit;

namespace FlEvents.RabbitMq.Tests;

/// <summary>The users' rights against the services' own code; no broker is needed.</summary>
public sealed class BrokerDefinitionsTests
{
    [Fact]
    public async Task The_file_is_what_the_command_prints() => Assert.Equal(
        BrokerDefinitions.Write(BrokerUsersCommand.Users(["client"], ["hillcrest"])),
        (await File.ReadAllTextAsync(BrokerUsers.File, TestContext.Current.CancellationToken)).TrimEnd());

    [Fact]
    public void A_service_may_take_what_it_has_a_consumer_for_and_nothing_else()
    {
        Assert.Equal(ConsumedBy(typeof(OrchestratorService)), Names(BrokerUser.Orchestrator.Takes));
        Assert.Equal(ConsumedBy(typeof(AggregatorService)), Names(BrokerUser.Aggregator.Takes));
        Assert.Equal(ConsumedBy(typeof(PrivacyAccountantService)), Names(BrokerUser.PrivacyAccountant.Takes));

        // By the exchange of its queue, which the Orchestrator chooses for each message.
        Assert.Equal([nameof(EvaluateModel), nameof(TrainClient)], ConsumedBy(typeof(ClientWorkerService)));
        Assert.Empty(BrokerUser.Pool("edge").Takes);
    }

    [Fact]
    public void Whatever_a_service_takes_another_may_send()
    {
        BrokerUser[] all = [BrokerUser.Orchestrator, BrokerUser.Aggregator, BrokerUser.PrivacyAccountant, BrokerUser.Silo("anna")];

        // This one goes to each of its takers by an exchange of its own.
        Assert.Equal([nameof(ReconcileLedger)], Names(all.SelectMany(user => user.Takes).Distinct().Except(all.SelectMany(user => user.Sends))));
    }

    private static IEnumerable<string> ConsumedBy(Type service) => Names(
        from type in service.Assembly.GetTypes()
        from contract in type.GetInterfaces()
        where contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IConsumer<>)
        select contract.GetGenericArguments()[0]);

    private static IEnumerable<string> Names(IEnumerable<Type> types) => types.Select(type => type.Name).Distinct().Order(StringComparer.Ordinal);
}
