using System.Reflection;
using System.Reflection.Emit;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Testing;
using MassTransit;

namespace FlEvents.Contracts.Tests;

/// <summary>
/// Freezes what others have built on: the URN and the JSON body of every message, and the names of every enum. Renewing the file is deliberate:
/// <c>FLEVENTS_RENEW_GOLDEN=1 dotnet test --project tests/Contracts.Tests</c>.
/// </summary>
public sealed class GoldenMessageTests
{
    private const string RenewVariable = "FLEVENTS_RENEW_GOLDEN";

    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly string GoldenFile = Repository.File("tests", "Contracts.Tests", "Golden.json");

    public static TheoryData<string> Messages => [.. ContractTypes.Messages.Select(message => message.Name)];

    public static TheoryData<string> Enums => [.. ContractTypes.Enums.Select(type => type.Name)];

    [Theory, MemberData(nameof(Messages))]
    public void A_message_keeps_its_urn_and_its_body(string name) => AssertFrozen("messages", name);

    [Theory, MemberData(nameof(Enums))]
    public void An_enum_keeps_its_names(string name) => AssertFrozen("enums", name);

    [Fact]
    public void Every_public_record_is_in_the_golden_file_as_a_message_or_within_one()
    {
        var frozen = ContractTypes.Messages.Where(message => Golden()["messages"]![message.Name] is not null);
        HashSet<Type> reached = [];
        void Reach(Type record)
        {
            if (ContractTypes.IsRecord(record) && reached.Add(record))
            {
                foreach (var property in record.GetProperties().Where(property => property.CanWrite))
                {
                    Reach(ContractTypes.Part(property.PropertyType));
                }
            }
        }

        foreach (var message in frozen)
        {
            Reach(message);
        }

        Assert.Equal(ContractTypes.Records, reached.OrderBy(record => record.Name, StringComparer.Ordinal));
    }

    [Fact]
    public void Nothing_that_was_frozen_has_been_removed()
    {
        foreach (var section in new[] { "messages", "enums" })
        {
            var gone = Golden()[section]!.AsObject().Select(entry => entry.Key).Except(Now()[section]!.AsObject().Select(entry => entry.Key));
            Assert.True(!gone.Any(), $"No longer in FlEvents.Contracts: {string.Join(", ", gone)}. {HowToRenew}");
        }
    }

    [Fact]
    public void A_urn_depends_on_namespace_and_name_and_not_on_the_assembly()
    {
        var elsewhere = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Elsewhere"), AssemblyBuilderAccess.Run)
            .DefineDynamicModule("Elsewhere")
            .DefineType("FlEvents.Contracts.RoundStarted", TypeAttributes.Public)
            .CreateType();

        Assert.Equal("urn:message:FlEvents.Contracts:RoundStarted", MessageUrn.ForTypeString<RoundStarted>());
        Assert.Equal(MessageUrn.ForType<RoundStarted>(), MessageUrn.ForType(elsewhere));
    }

    private static string HowToRenew =>
        $"A released message never changes: add a new record …V2 beside it. If this was not released yet, renew the file and review the difference: "
        + $"{RenewVariable}=1 dotnet test --project tests/Contracts.Tests";

    private static void AssertFrozen(string section, string name)
    {
        var expected = Golden()[section]![name]?.ToJsonString(Readable) ?? "(not in the file)";
        var actual = Now()[section]![name]!.ToJsonString(Readable);
        Assert.True(expected == actual, $"{name} differs from Golden.json. {HowToRenew}\nFrozen:\n{expected}\nNow:\n{actual}");
    }

    private static JsonNode Golden()
    {
        if (Environment.GetEnvironmentVariable(RenewVariable) is { Length: > 0 })
        {
            File.WriteAllText(GoldenFile, Now().ToJsonString(Readable) + "\n");
        }

        return JsonNode.Parse(File.ReadAllText(GoldenFile))!;
    }

    private static JsonObject Now() => new()
    {
        ["messages"] = new JsonObject(ContractTypes.Messages.Select(message => KeyValuePair.Create(message.Name, (JsonNode?)new JsonObject
        {
            ["urn"] = MessageUrn.ForTypeString(message),
            ["body"] = JsonNode.Parse(JsonSerializer.Serialize(Sample.Of(message), message, ContractTypes.Json)),
        }))),
        ["enums"] = new JsonObject(ContractTypes.Enums.Select(type => KeyValuePair.Create(
            type.Name,
            (JsonNode?)new JsonArray([.. Enum.GetValues(type).Cast<object>().Select(value => JsonSerializer.SerializeToNode(value, type, ContractTypes.Json))])))),
    };
}
