using System.Diagnostics;
using System.Text.Json.Nodes;
using FlEvents.Contracts.Tests;
using FlEvents.Testing;
using MassTransit.Context;
using MassTransit.Serialization;

namespace FlEvents.Architecture.Tests.Events;

/// <summary>docs/asyncapi.json is what the contracts and the services are. Renew it with <c>FLEVENTS_RENEW=1 dotnet test --project tests/Architecture.Tests</c>.</summary>
public sealed class AsyncApiTests
{
    private static readonly string Committed = Repository.File("docs", "asyncapi.json");

    private static readonly JsonNode Document = JsonNode.Parse(AsyncApiDocument.Create())!;

    [Fact]
    public void The_committed_document_is_current()
    {
        if (Environment.GetEnvironmentVariable("FLEVENTS_RENEW") == "1")
        {
            File.WriteAllText(Committed, AsyncApiDocument.Create());
        }

        Assert.True(
            File.Exists(Committed) && File.ReadAllText(Committed) == AsyncApiDocument.Create(),
            "docs/asyncapi.json is not what the contracts give. Renew it with: FLEVENTS_RENEW=1 dotnet test --project tests/Architecture.Tests");
    }

    [Fact]
    public void Every_message_has_a_sender_and_whatever_is_consumed_is_a_message()
    {
        Assert.Empty(WireMessage.All.Where(message => message.Senders.Count == 0).Select(message => message.Name));
        Assert.Empty(WireMessage.Consumed.Except(WireMessage.All.Select(message => message.Type)));

        // Each command has one receiver: who owns it.
        Assert.Empty(WireMessage.All.Where(message => Routes(message) && message.Receivers.Count != 1).Select(message => message.Name));
    }

    [Fact]
    public void Operations_tell_who_sends_and_who_receives()
    {
        var operations = Document["operations"]!.AsObject();

        Assert.Equal("#/channels/fl-aggregator", operations["Orchestrator-send-OpenRound"]!["channel"]!["$ref"]!.GetValue<string>());
        Assert.Equal("receive", operations["Aggregator-receive-OpenRound"]!["action"]!.GetValue<string>());
        Assert.Equal("#/channels/fl-silo-by-clientId", operations["ClientWorker-receive-TrainClient-fl-silo-by-clientId"]!["channel"]!["$ref"]!.GetValue<string>());
        Assert.Contains("fl-heartbeats", operations["Orchestrator-receive-WorkerHeartbeat"]!["summary"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("FlEvents.Contracts:RoundStarted", Document["channels"]!["RoundStarted"]!["address"]!.GetValue<string>());
        Assert.DoesNotContain(operations, operation => operation.Key.StartsWith("Aggregator-send-OpenRound", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_reference_leads_to_something_and_every_operation_names_messages_of_its_channel()
    {
        foreach (var reference in References(Document))
        {
            Assert.True(Resolve(reference) is not null, $"{reference} leads nowhere.");
        }

        foreach (var (key, operation) in Document["operations"]!.AsObject())
        {
            var channel = operation!["channel"]!["$ref"]!.GetValue<string>();
            Assert.All(operation["messages"]!.AsArray(), message => Assert.StartsWith($"{channel}/messages/", message!["$ref"]!.GetValue<string>(), StringComparison.Ordinal));
            Assert.Contains(operation["action"]!.GetValue<string>(), new[] { "send", "receive" });
            Assert.Matches("^[A-Za-z-]+$", key);
        }

        var addresses = Document["channels"]!.AsObject().Select(channel => channel.Value!["address"]!.GetValue<string>()).ToList();
        Assert.Equal(addresses.Count, addresses.Distinct().Count());
    }

    /// <summary>With AsyncAPI's own schema and the validator ajv, where npm can be had.</summary>
    [Fact]
    public async Task The_document_fits_the_meta_schema_and_messages_as_they_are_sent_fit_the_document()
    {
        var folder = Directory.CreateTempSubdirectory("asyncapi-");
        try
        {
            var (installed, output) = await RunAsync("npm", folder.FullName, "install", "--no-audit", "--no-fund", "--silent", "ajv@8", "@asyncapi/specs@6.11.1");
            Assert.SkipUnless(installed, $"ajv and AsyncAPI's schemas could not be installed with npm: {output}");

            File.WriteAllText(Path.Combine(folder.FullName, "document.json"), AsyncApiDocument.Create());
            File.WriteAllText(Path.Combine(folder.FullName, "messages.json"), Samples().ToJsonString());
            File.WriteAllText(Path.Combine(folder.FullName, "check.cjs"), """
                const { readFileSync } = require("fs");
                const Ajv = require("ajv");
                const read = path => JSON.parse(readFileSync(path, "utf8"));
                const fail = (...words) => { console.log(...words); process.exitCode = 1; };
                const options = { allErrors: true, strict: false, validateFormats: false };
                const schema = read(require.resolve("@asyncapi/specs/schemas/3.0.0.json"));
                delete schema.definitions["http://json-schema.org/draft-07/schema"]; // ajv has it
                const fits = new Ajv(options).compile(schema);
                const document = read("document.json");
                if (!fits(document)) fail(JSON.stringify(fits.errors));
                if (fits({ ...document, channels: { x: { adress: "x" } } })) fail("a wrong document fits");
                const ajv = new Ajv(options).removeKeyword("minimum").removeKeyword("maximum"); // samples fill in any number
                ajv.addSchema({ $id: "document", ...document });
                const samples = read("messages.json");
                for (const [name, envelopes] of Object.entries(samples)) {
                  const validate = ajv.compile({ $ref: `document#/components/messages/${name}/payload` });
                  for (const envelope of envelopes) {
                    if (!validate(envelope)) fail(name, JSON.stringify(validate.errors));
                    if (Object.keys(envelope).some(key => !(key in document.components.schemas.Envelope.properties))) fail(name, "has a member that the envelope has not");
                    if (Object.keys(envelope.message).some(key => !(key in document.components.schemas[name].properties))) fail(name, "has a member that its schema has not");
                    const { messageId, ...nameless } = envelope;
                    if (validate(nameless)) fail(name, "fits without messageId");
                    if (validate({ ...envelope, messageType: ["urn:message:FlEvents.Contracts:Other"] })) fail(name, "fits as another type");
                    const [first, ...rest] = document.components.schemas[name].required;
                    const { [first]: gone, ...less } = envelope.message;
                    if (validate({ ...envelope, message: less })) fail(name, "fits without", first);
                  }
                }
                """);
            var (fit, errors) = await RunAsync("node", folder.FullName, "check.cjs");

            Assert.True(fit, errors);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static bool Routes(WireMessage message) => ServiceDefaults.Messaging.Routes.OwnerOf(message.Type) is not null;

    /// <summary>Each message as MassTransit writes it, with everything it may hold and with the least.</summary>
    private static JsonObject Samples() => new(WireMessage.All.Select(message => KeyValuePair.Create(
        message.Name,
        (JsonNode?)new JsonArray(new[] { Sample.Of(message.Type), Sample.WithoutOptional(message.Type) }.Select(sample => Envelope((dynamic)sample)).Cast<JsonNode>().ToArray()))));

    private static JsonNode Envelope<T>(T message)
        where T : class
    {
        var context = new MessageSendContext<T>(message) { MessageId = Guid.NewGuid(), SourceAddress = new Uri("rabbitmq://host/queue"), DestinationAddress = new Uri("rabbitmq://host/other") };
        return JsonNode.Parse(new SystemTextJsonMessageSerializer().GetMessageBody(context).GetString())!;
    }

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => member.Key == "$ref" && member.Value is JsonValue value ? [value.GetValue<string>()] : References(member.Value)),
        JsonArray items => items.SelectMany(References),
        _ => [],
    };

    private static JsonNode? Resolve(string reference) => reference.Split('/').Skip(1).Aggregate((JsonNode?)Document, (node, name) => node?[name]);

    private static async Task<(bool Succeeded, string Output)> RunAsync(string program, string folder, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            return (process.ExitCode == 0, string.Concat(output));
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            return (false, exception.Message);
        }
    }
}
