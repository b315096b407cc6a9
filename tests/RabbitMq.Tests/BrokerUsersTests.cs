using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Quarantine;
using FlEvents.Standalone.Commands;
using FlEvents.Testing;
using RabbitMQ.Client;

namespace FlEvents.RabbitMq.Tests;

/// <summary>Every service with a user of its own that has the rights of <c>deploy/rabbitmq/definitions.json</c> and no other.</summary>
public sealed class BrokerUsersTests(BrokerUsersTests.Shared shared, RabbitMqBroker broker) : IClassFixture<BrokerUsersTests.Shared>
{
    private const string Orchestrator = "orchestrator";
    private const string Aggregator = "aggregator";
    private const string Accountant = "privacy-accountant";
    private const string Pool = "pool-client";
    private const string Silo = "silo-hillcrest";

    // Written out, and not asked of the program: this is what a reader of docs/security.md is promised.
    private static readonly Dictionary<string, string[]> MayPublish = new()
    {
        [Orchestrator] =
        [
            "fl-orchestrator", "fl-orchestrator-dead", "fl-heartbeats", "fl-pool-client", "fl-pool-client-dead", "fl-silo-hillcrest", "fl-silo-hillcrest-dead", ":AggregateRound", ":ClientEnrolled",
            ":ClientLeft", ":CommitBudget", ":CreateModel", ":LedgerReport", ":OpenRound", ":RefundBudget", ":ReserveBudget", ":RoundAbandoned", ":RoundStarted", ":RunCompleted", ":ServiceRestored",
            ":UpdateSubmitted",
        ],
        [Aggregator] =
        [
            "fl-aggregator", "fl-aggregator-dead", ":ChargeOutput", ":CommitBudget", ":LedgerReport", ":ModelPublished", ":ModelRefused", ":RoundAbandoned", ":RoundAggregated", ":ServiceRestored",
            ":UpdateAdmitted", ":UpdateRejected",
        ],
        [Accountant] =
        [
            "fl-privacy-accountant", "fl-privacy-accountant-dead", "fl-orchestrator:ReconcileLedger", "fl-aggregator:ReconcileLedger", ":BudgetCommitted", ":BudgetRefused", ":BudgetReserved",
            ":PrivacySpent", ":ServiceRestored",
        ],
        [Pool] = ["fl-pool-client", "fl-pool-client-dead", .. OfAWorker],
        [Silo] = ["fl-silo-hillcrest", "fl-silo-hillcrest-dead", .. OfAWorker],
    };

    private static readonly Dictionary<string, string[]> MayRead = new()
    {
        [Orchestrator] = ["fl-orchestrator", "fl-orchestrator-dead", "fl-heartbeats"],
        [Aggregator] = ["fl-aggregator", "fl-aggregator-dead"],
        [Accountant] = ["fl-privacy-accountant", "fl-privacy-accountant-dead"],
        [Pool] = ["fl-pool-client", "fl-pool-client-dead"],
        [Silo] = ["fl-silo-hillcrest", "fl-silo-hillcrest-dead"],
    };

    private static string[] OfAWorker =>
        [":EnrollClient", ":EvaluationSubmitted", ":LeaseRenewed", ":TrainingAccepted", ":TrainingInterrupted", ":TrainingRefused", ":UpdateSubmitted", ":WorkerHeartbeat"];

    public static TheoryData<string> Users => [Orchestrator, Aggregator, Accountant, Pool, Silo];

    [Fact]
    public async Task A_run_completes_when_no_service_may_do_more_than_its_part()
    {
        var (services, _, _) = await shared.GetAsync();

        Assert.Equal(await InProcess.ModelSha256Async(TinyRun.Read()), await services.ModelSha256Async(await services.CreateAsync(TinyRun.Read())));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_user_publishes_to_the_exchanges_of_its_part_and_to_no_other(string user)
    {
        var (_, host, users) = await shared.GetAsync();
        var exchanges = await host.ExchangesAsync();
        var may = MayPublish[user].Select(Full).ToList();

        var allowed = new List<string>();
        foreach (var exchange in exchanges)
        {
            // Nothing is bound by such a key to the broker's own exchanges, and no consumer takes such a body.
            var refusal = await users.TryAsync(user, channel => channel.BasicPublishAsync(exchange, "nobody", "{}"u8.ToArray()).AsTask());
            if (refusal is null)
            {
                allowed.Add(exchange);
            }
        }

        Assert.Equal(may.Intersect(exchanges).Order(StringComparer.Ordinal), allowed.Order(StringComparer.Ordinal));
        Assert.Equal(exchanges.Count, exchanges.Distinct().Count());
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_user_reads_its_own_queues_and_can_take_purge_and_delete_no_other(string user)
    {
        var (_, host, users) = await shared.GetAsync();
        var queues = (await host.QueuesAsync()).Select(queue => queue.GetProperty("name").GetString()!).ToList();
        Assert.Equal(MayRead.Values.SelectMany(names => names).Order(StringComparer.Ordinal), queues.Order(StringComparer.Ordinal));

        foreach (var (owner, queue) in MayRead.Where(other => other.Key != user).SelectMany(other => other.Value, (other, queue) => (other.Key, queue)))
        {
            await RefusedAsync(users, user, $"take from {queue}", channel => channel.BasicGetAsync(queue, autoAck: false));
            await RefusedAsync(users, user, $"consume from {queue}", channel => channel.BasicConsumeAsync(queue, autoAck: false, new Silent(channel)));
            await RefusedAsync(users, user, $"purge {queue}", channel => channel.QueuePurgeAsync(queue));
            if (!(user == Orchestrator && IsAWorkers(owner)))
            {
                // It declares the exchange of a worker's queue, and the right to declare a name is the right to delete what has it (docs/security.md).
                await RefusedAsync(users, user, $"delete {queue}", channel => channel.QueueDeleteAsync(queue));
            }
        }

        Assert.All(await Task.WhenAll(MayRead[user].Select(queue => users.TryAsync(user, channel => channel.QueueDeclarePassiveAsync(queue)))), Assert.Null);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_user_declares_and_binds_nothing_beyond_its_part(string user)
    {
        var (_, host, users) = await shared.GetAsync();
        var own = MayRead[user][0];

        await RefusedAsync(users, user, "declare a queue of any name", channel => channel.QueueDeclareAsync("anything", durable: true, exclusive: false, autoDelete: false));
        await RefusedAsync(users, user, "declare a queue that the broker names", channel => channel.QueueDeclareAsync("", durable: false, exclusive: true, autoDelete: true));
        await RefusedAsync(users, user, "declare an exchange of any name", channel => channel.ExchangeDeclareAsync("anything", ExchangeType.Fanout));
        await RefusedAsync(users, user, "delete an exchange of the broker", channel => channel.ExchangeDeleteAsync("amq.topic"));
        foreach (var other in MayRead.Where(other => other.Key != user))
        {
            // By a copy of what is meant for somebody else, and by what goes to him.
            var (queue, exchange) = (other.Value[0], other.Value[0]);
            await RefusedAsync(users, user, $"have {exchange} copied", channel => channel.QueueBindAsync(own, exchange, ""));
            if (!(user == Orchestrator && IsAWorkers(other.Key)))
            {
                // To a worker's queue it may send anyway.
                await RefusedAsync(users, user, $"bind {queue} to its own exchange", channel => channel.QueueBindAsync(queue, own, ""));
            }
        }

        foreach (var exchange in (await host.ExchangesAsync()).Where(name => name.StartsWith("FlEvents.Contracts:", StringComparison.Ordinal) && IsAWorkers(user)))
        {
            await RefusedAsync(users, user, $"listen to {exchange}", channel => channel.QueueBindAsync(own, exchange, ""));
        }
    }

    /// <summary>A body says itself what it is, whatever exchange it comes by.</summary>
    [Fact]
    public async Task A_worker_cannot_say_by_an_exchange_of_its_own_what_others_may_say()
    {
        var (services, _, users) = await shared.GetAsync();
        var id = Guid.NewGuid();
        var forged = $$"""
            {
              "messageId": "{{id}}", "messageType": ["urn:message:FlEvents.Contracts:RoundAbandoned"],
              "message": {"runId": "{{Guid.NewGuid()}}", "roundId": "{{Guid.NewGuid()}}", "round": 1, "reasonCode": "FORGED", "detail": "forged"}
            }
            """;

        Assert.Null(await users.TryAsync(Pool, channel => channel.BasicPublishAsync(
            Full(":UpdateSubmitted"), "", mandatory: true, new BasicProperties { ContentType = "application/vnd.masstransit+json" }, Encoding.UTF8.GetBytes(forged)).AsTask()));

        using var http = new HttpClient { Timeout = Product.Patience, BaseAddress = new Uri(services.UrlOf(Deployment.Aggregator)) };
        QuarantineView? found = null;
        await Eventually.HoldsAsync("the forged message is put aside", async () =>
            (found = (await http.GetFromJsonAsync<List<QuarantineView>>("quarantine?limit=1000", JsonSerializerOptions.Web))!.FirstOrDefault(message => message.MessageId == id)) is not null);
        Assert.Equal("RoundAbandoned came by exchange \"FlEvents.Contracts:UpdateSubmitted\": expected FlEvents.Contracts:RoundAbandoned.", found!.Detail);
    }

    [Fact]
    public async Task Who_has_no_password_yet_cannot_sign_in()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var users = await BrokerUsers.ImportAsync(host, withPasswords: false);

        await Assert.ThrowsAsync<RabbitMQ.Client.Exceptions.BrokerUnreachableException>(() => users.TryAsync(Pool, _ => Task.CompletedTask));
    }

    [Fact]
    public async Task The_users_that_the_command_makes_sign_in_by_their_passwords()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        using var folder = new TemporaryFolder();
        SecretsCommand.Write(folder.Path, new Uri("amqp://rabbitmq"), ["client"], ["hillcrest"]);
        await using var users = await BrokerUsers.ImportAsync(host, withPasswords: false, folder.File("rabbitmq", "definitions.json"));

        foreach (var user in new[] { Orchestrator, Aggregator, Accountant, Pool, Silo })
        {
            users.Password = new Uri(await File.ReadAllTextAsync(folder.File(user, "Bus__RabbitMqUrl"))).UserInfo.Split(':')[1];
            await RefusedAsync(users, user, "declare a queue of any name", channel => channel.QueueDeclareAsync("anything"));
        }
    }

    private static string Full(string name) => name.StartsWith(':') ? $"FlEvents.Contracts{name}" : name;

    private static bool IsAWorkers(string user) => user is Pool or Silo;

    private static async Task RefusedAsync(BrokerUsers users, string user, string deed, Func<IChannel, Task> act) =>
        Assert.True((await users.TryAsync(user, act))?.StartsWith("ACCESS_REFUSED", StringComparison.Ordinal) == true, $"{user} may {deed}.");

    private sealed class Silent(IChannel channel) : AsyncDefaultBasicConsumer(channel);

    /// <summary>A deployment with a pool's worker and a silo's.</summary>
    public sealed class Shared(RabbitMqBroker broker) : IAsyncDisposable
    {
        private Deployment? _services;
        private VirtualHost? _host;
        private BrokerUsers? _users;

        internal async Task<(Deployment Services, VirtualHost Host, BrokerUsers Users)> GetAsync()
        {
            if (_services is null)
            {
                _host = await VirtualHost.CreateAsync(broker);
                _users = await BrokerUsers.ImportAsync(_host);
                _services = new Deployment(_host.Url);
                foreach (var (name, user) in new[]
                {
                    (Deployment.Orchestrator, Orchestrator), (Deployment.Aggregator, Aggregator), (Deployment.Accountant, Accountant), ("worker-1", Pool), ("hillcrest", Silo),
                })
                {
                    _services.Settings[name] = new() { ["Bus__RabbitMqUrl"] = _users.UrlOf(user) };
                }

                // Of another data set, so that a run of the pool's is not its too.
                _services.Settings["hillcrest"] = new(_services.Settings["hillcrest"])
                {
                    ["ClientWorker__ClientId"] = "hillcrest", ["ClientWorker__Pool"] = null, ["ClientWorker__Clients"] = null,
                    ["ClientWorker__DataSets__digits__Kind"] = null, ["ClientWorker__DataSets__digits__Count"] = null, ["ClientWorker__DataSets__digits__Seed"] = null,
                    ["ClientWorker__DataSets__other__Kind"] = "digits", ["ClientWorker__DataSets__other__Count"] = "50", ["ClientWorker__DataSets__other__Seed"] = "3",
                };
                _services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
                _services.StartWorker("worker-1");
                _services.StartWorker("hillcrest");
            }

            await _services.ReadyAsync();
            return (_services, _host!, _users!);
        }

        public async ValueTask DisposeAsync()
        {
            await (_services?.DisposeAsync() ?? ValueTask.CompletedTask);
            await (_users?.DisposeAsync() ?? ValueTask.CompletedTask);
            await (_host?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }
}
