using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Contracts;
using FlEvents.Contracts.Tests;
using FlEvents.EndToEnd.Tests;
using FlEvents.Learning.Randomness;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Limits.Tests.Messages;

/// <summary>Messages that nobody of ours has sent, in place of each that we do, to the real consumers through the real deserialization.</summary>
public sealed class ConsumerFuzzTests(ITestOutputHelper output)
{
    private const int CasesOfEach = 160;
    private const long LargestGrowth = 128L << 20;

    /// <summary>What a program says that did not look at what it was given.</summary>
    private static readonly string[] Careless =
    [
        "Object reference not set", "Nullable object must have", "Sequence contains", "Index was out", "was out of range", "SQLite Error", "Value cannot be null",
        "Input string was not", "overflow", "must be non-negative", "key was not present", "same key has already", "Unable to cast",
    ];

    private static readonly string[][] Victims =
    [
        [],
        ["privacy.mode=local", "privacy.local.clipNorm=1", "privacy.local.noiseMultiplier=1", "training.validationFraction=0", "evaluation.federated=false"],
        ["privacy.mode=example", "privacy.example.clipNorm=1", "privacy.example.noiseMultiplier=1", "training.validationFraction=0", "evaluation.federated=false"],
    ];

    private static readonly Dictionary<string, string[]> Destinations = ContractTypes.Messages.ToDictionary(message => message.Name, QueuesOf);

    [Fact]
    public async Task Mutated_messages_of_every_contract_are_refused_with_a_reason_or_harmless_and_the_services_go_on()
    {
        var file = TinyRun.Read();
        await using var services = await FuzzedFederation.StartAsync(file);

        // Messages refer to runs that go on while they come in.
        var victims = new List<Guid>();
        foreach (var changes in Victims)
        {
            victims.Add(await services.CreateAsync(TinyRun.Read(["rounds=100000", "selection.deadlineSeconds=5", "selection.leaseSeconds=2", .. changes])));
            await Eventually.HoldsAsync("the run is under way", async () => (await services.Api.RoundsAsync(victims[^1])).Count > 3);
        }

        var before = services.Memory();
        foreach (var (contract, queues) in Destinations)
        {
            for (var number = 0; number < FuzzPlan.Cases(CasesOfEach); number++)
            {
                var random = FuzzPlan.Stream(contract, number);
                var queue = queues[random.NextInt(queues.Length)];
                await services.SendAsync(queue, Mutated(Sample(services, contract, queue, random), random));
            }

            await services.HandledAsync();
            services.AssertFaultsQuarantined();
        }

        var growth = services.Memory() - before;
        var aside = services.Quarantined();
        output.WriteLine($"Seed {FuzzPlan.Seed}: {Destinations.Count} contracts, {FuzzPlan.Cases(CasesOfEach)} messages of each, {aside.Count} put aside, {growth >> 20} MiB more memory.");
        foreach (var kind in aside.GroupBy(message => (message.Contract, message.Reason)).OrderBy(kind => kind.Key.Contract, StringComparer.Ordinal))
        {
            output.WriteLine($"  {kind.Key.Contract ?? "(unreadable)"} {kind.Key.Reason}: {kind.Count()}");
        }

        // The Orchestrator still takes what it is told. The runs may wait for ever to end: who speaks as the Orchestrator can open a round for
        // clients that there are not, and who names entries that the ledger does not have quarantines it.
        foreach (var victim in victims)
        {
            Assert.NotNull(await services.Api.PostAsync(victim, "stop"));
        }

        var (exitCode, said) = await Product.RunAsync("ledger", "verify", "--data", services.LedgerFile);
        Assert.True(exitCode == 0, said);
        Assert.InRange(growth, long.MinValue, LargestGrowth);
        Assert.All(aside, message => Assert.True(message.Detail.Length > 10 && !Careless.Any(word => message.Detail.Contains(word, StringComparison.OrdinalIgnoreCase)), $"{message}"));
    }

    /// <summary>A good message: one that was seen, or one made up in its place that names the run that is under way.</summary>
    private static string Sample(FuzzedFederation services, string contract, string queue, SeededRandom random)
    {
        if (services.Seen.GetValueOrDefault((contract, queue))?.ToArray() is { Length: > 0 } seen && random.NextInt(8) > 0)
        {
            return seen[random.NextInt(seen.Length)];
        }

        var type = ContractTypes.Messages.Single(message => message.Name == contract);
        var message = JsonSerializer.SerializeToNode(Contracts.Tests.Sample.Of(type), type, JsonSerializerOptions.Web)!.AsObject();
        var live = JsonNode.Parse(services.Seen[("UpdateSubmitted", Routes.Aggregator)].ToArray()[^1])!["message"]!.AsObject();
        foreach (var name in live.Select(property => property.Key).Where(message.ContainsKey).ToList())
        {
            message[name] = live[name]?.DeepClone();
        }

        return new JsonObject
        {
            ["messageId"] = Guid.NewGuid().ToString(),
            ["messageType"] = new JsonArray($"urn:message:FlEvents.Contracts:{contract}"),
            ["message"] = message,
        }.ToJsonString();
    }

    private static byte[] Mutated(string envelope, SeededRandom random)
    {
        var message = JsonNode.Parse(envelope)!;
        message["messageId"] = Guid.NewGuid().ToString();
        switch (random.NextInt(12))
        {
            case 0:
                return ByteMutation.Of(Encoding.UTF8.GetBytes(message.ToJsonString()), Encoding.UTF8.GetBytes(envelope), random);
            case 1:
                return Encoding.UTF8.GetBytes(JsonMutation.Of(message.ToJsonString(), random));
            default:
                const string Place = "@message";
                var body = JsonMutation.Of(message["message"]!.ToJsonString(), random);
                message["message"] = Place;
                return Encoding.UTF8.GetBytes(message.ToJsonString().Replace($"\"{Place}\"", random.NextInt(2) == 0 ? body : Consistent(body), StringComparison.Ordinal));
        }
    }

    /// <summary>The same with the ids that follow from others, as a liar with some care would send it.</summary>
    private static string Consistent(string body)
    {
        try
        {
            var message = JsonNode.Parse(body) as JsonObject;
            if (message?["runId"]?.GetValue<Guid>() is { } runId && message["round"]?.GetValue<int>() is { } round && message.ContainsKey("roundId"))
            {
                message["roundId"] = ReservationId.OfRound(runId, round);
                if (message["clientId"]?.GetValue<string>() is { } client && message.ContainsKey("reservationId"))
                {
                    message["reservationId"] = ReservationId.Of(runId, round, client, message["attempt"]?.GetValue<int>() ?? 1);
                }

                return message.ToJsonString();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            // There is nothing to make it consistent with.
        }

        return body;
    }

    /// <summary>The queues of the services that consume a message; any queue for one that nobody consumes.</summary>
    private static string[] QueuesOf(Type message)
    {
        (Type Service, string Queue)[] services =
        [
            (typeof(Orchestrator.OrchestratorService), Routes.Orchestrator),
            (typeof(Aggregator.AggregatorService), Routes.Aggregator),
            (typeof(PrivacyAccountant.PrivacyAccountantService), Routes.PrivacyAccountant),
            (typeof(ClientWorker.ClientWorkerService), FuzzedFederation.WorkerQueue),
        ];
        var consumer = typeof(IConsumer<>).MakeGenericType(message);
        var queues = services.Where(service => service.Service.Assembly.GetTypes().Any(type => type.IsAssignableTo(consumer))).Select(service => service.Queue).ToArray();
        if (message == typeof(WorkerHeartbeat))
        {
            return [Routes.Heartbeats];
        }

        return queues.Length > 0 ? queues : [.. services.Select(service => service.Queue)];
    }
}
