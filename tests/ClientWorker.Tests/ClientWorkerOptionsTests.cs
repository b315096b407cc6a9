using FlEvents.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FlEvents.ClientWorker.Tests;

public class ClientWorkerOptionsTests
{
    [Fact]
    public void All_errors_are_told_at_once()
    {
        var errors = ErrorsOf(
            ("WorkerId", "Ward 7"),
            ("Pool", "ward"),
            ("ClientId", "clinic"),
            ("Slots", "0"),
            ("AggregatorUrl", "ftp://aggregator"),
            ("HeartbeatSeconds", "0"),
            ("DataSets:xrays:Kind", "idx"),
            ("DataSets:xrays:Images", "/nowhere/images.idx"),
            ("DataSets:stays:Kind", "csv"),
            ("DataSets:stays:Path", "/nowhere/stays.csv"));
        string[] expected =
        [
            "ClientWorker:WorkerId is \"Ward 7\": it must match [a-z0-9-]{1,64}.",
            "ClientWorker:Slots is 0: it must be from 1 to 1000.",
            "ClientWorker:HeartbeatSeconds is 0: it must be from 0.05 to 3600.",
            "ClientWorker: Pool is \"ward\" and ClientId is \"clinic\": give one of them.",
            "ClientWorker: Clients is missing: pool \"ward\" needs a number of clients.",
            "ClientWorker: AggregatorUrl is \"ftp://aggregator/\": it must be an http or https address that ends with /.",
            "ClientWorker: data set \"xrays\": labels is missing; kind idx needs it.",
            "ClientWorker: data set \"xrays\": there is no file \"/nowhere/images.idx\".",
            "ClientWorker: data set \"stays\": there is no file \"/nowhere/stays.csv\".",
        ];
        Assert.Equal(expected.Order(), errors.Order());
    }

    [Fact]
    public void A_pool_that_is_larger_than_its_data_is_refused()
    {
        var errors = ErrorsOf(("Pool", "ward"), ("Clients", "11"), ("DataSets:digits:Kind", "digits"), ("DataSets:digits:Count", "10"));
        Assert.Equal("ClientWorker: data set \"digits\": 11 clients for 10 examples; expected at least one example each.", Assert.Single(errors));
    }

    [Fact]
    public void Columns_of_privacy_units_belong_to_a_csv_data_set_of_the_worker()
    {
        Assert.Equal(
            [
                "ClientWorker: PrivacyUnitColumns:stays is \"patient\": there is no data set of that name.",
                "ClientWorker: data set \"digits\": privacyUnitColumn is 'person'; only a CSV has columns.",
            ],
            ErrorsOf(
                ("ClientId", "clinic"), ("DataSets:digits:Kind", "digits"), ("DataSets:digits:Count", "10"),
                ("PrivacyUnitColumns:digits", "person"), ("PrivacyUnitColumns:stays", "patient")).Order());
    }

    [Fact]
    public void A_silo_takes_no_partition_and_no_number_of_clients()
    {
        var errors = ErrorsOf(
            ("ClientId", "clinic"), ("Clients", "2"), ("Partition:Seed", "5"), ("DataSets:digits:Kind", "digits"), ("DataSets:digits:Count", "10"));
        Assert.Equal(["ClientWorker: Clients is 2: only a pool has several.", "ClientWorker: Partition is given: only a pool's data is split."], errors);
    }

    [Fact]
    public void A_worker_needs_clients_and_data()
    {
        Assert.Equal(
            ["ClientWorker: Pool and ClientId are missing: give Pool and Clients, or ClientId.", "ClientWorker: DataSets is empty: name at least one."],
            ErrorsOf());
    }

    [Fact]
    public void Good_options_have_no_errors()
    {
        Assert.Empty(ErrorsOf(
            ("Pool", "ward"),
            ("Clients", "5"),
            ("Partition:Rule", "dirichlet"),
            ("Partition:Alpha", "0.5"),
            ("DataSets:digits:Kind", "digits"),
            ("DataSets:digits:Count", "50")));
    }

    [Theory]
    [InlineData("Ward_7.local", "ward-7-local")]
    [InlineData("--", "worker")]
    [InlineData("node1", "node1")]
    public void The_machines_name_becomes_a_worker_id(string machine, string id) => Assert.Equal(id, ClientWorkerOptions.MachineId(machine));

    private static IReadOnlyList<string> ErrorsOf(params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create($"ClientWorker:{setting.Key}", (string?)setting.Value)));
        builder.AddServiceDefaults();
        builder.AddClientWorker();
        using var provider = builder.Services.BuildServiceProvider();
        try
        {
            _ = provider.GetRequiredService<IOptions<ClientWorkerOptions>>().Value;
            return [];
        }
        catch (OptionsValidationException e)
        {
            return [.. e.Failures];
        }
    }
}
