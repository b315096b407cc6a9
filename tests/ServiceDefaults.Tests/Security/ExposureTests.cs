using System.Net;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;

namespace FlEvents.ServiceDefaults.Tests.Security;

public class ExposureTests
{
    private static readonly SecurityOptions Open = new();
    private static readonly SecurityOptions Keyed = new() { ApiKeys = new() { ["ci"] = new ApiKeyOptions { Sha256 = ApiKey.Hash("fle_ci"), Scopes = Scopes.RunsRead } } };
    private static readonly BusOptions Memory = new() { Transport = Transport.Memory };

    [Theory]
    [InlineData("amqp://guest:guest@127.0.0.1:5672/")]
    [InlineData("amqp://guest:guest@localhost/")]
    [InlineData("amqp://[::1]/flevents")]
    [InlineData("amqps://orchestrator:secret@rabbitmq.example.org/flevents")]
    public void A_broker_on_this_machine_or_by_TLS_with_a_users_own_name_is_fine(string url) => Assert.Empty(Exposure.Check(new BusOptions { RabbitMqUrl = url }, Open, []));

    [Theory]
    [InlineData("amqps://guest:guest@rabbitmq/flevents")]
    [InlineData("amqps://rabbitmq/flevents")]
    [InlineData("amqps://gu%65st:other@rabbitmq/flevents")]
    public void The_user_that_everybody_knows_is_refused_at_another_machine(string url) => Assert.Equal(
        ["Bus:RabbitMqUrl signs in at rabbitmq as guest, whose password everybody knows: set this service's own user (deploy/rabbitmq/definitions.json)."],
        Exposure.Check(new BusOptions { RabbitMqUrl = url }, Open, []));

    [Fact]
    public void A_broker_at_another_machine_without_TLS_needs_its_exception()
    {
        var bus = new BusOptions { RabbitMqUrl = "amqp://orchestrator:secret@10.0.0.7/flevents" };
        var error = Assert.Single(Exposure.Check(bus, Open, []));

        Assert.Equal("Bus:RabbitMqUrl names 10.0.0.7 without TLS: set an amqps address, or Bus__AllowPlaintext=true where something else guards the way there.", error);
        bus.AllowPlaintext = true;
        Assert.Empty(Exposure.Check(bus, Open, []));
    }

    [Theory]
    [InlineData("http://127.0.0.1:5080")]
    [InlineData("http://localhost:5080")]
    [InlineData("http://[::1]:0/")]
    [InlineData("http://unix:/run/flevents.sock")]
    public void Whoever_is_on_this_machine_needs_neither_TLS_nor_a_key(string address) => Assert.Empty(Exposure.Check(Memory, Open, [address]));

    [Theory]
    [InlineData("http://+:8080")]
    [InlineData("http://*:8080")]
    [InlineData("http://0.0.0.0:8080")]
    [InlineData("http://[::]:8080")]
    [InlineData("http://10.1.2.3:8080")]
    [InlineData("http://service.example.org:8080")]
    public void An_address_that_others_reach_needs_TLS_and_a_key_or_an_exception_for_each(string address)
    {
        var errors = Exposure.Check(Memory, Open, ["http://127.0.0.1:1", address]).ToList();

        Assert.Equal(2, errors.Count);
        Assert.StartsWith($"The API is to listen on {address} without TLS: set ", errors[0], StringComparison.Ordinal);
        Assert.Contains("Security__AllowPlaintext=true", errors[0], StringComparison.Ordinal);
        Assert.StartsWith($"The API is to listen on {address} and asks nobody who he is: set ", errors[1], StringComparison.Ordinal);
        Assert.Contains("Security__AllowAnonymous=true", errors[1], StringComparison.Ordinal);
        Assert.Equal(errors[1..], Exposure.Check(Memory, new SecurityOptions { AllowPlaintext = true }, [address]));
        Assert.Equal(errors[..1], Exposure.Check(Memory, new SecurityOptions { AllowAnonymous = true }, [address]));
        Assert.Equal(errors[..1], Exposure.Check(Memory, Keyed, [address]));
        Assert.Empty(Exposure.Check(Memory, Keyed, [address.Replace("http:", "https:", StringComparison.Ordinal)]));
    }

    [Fact]
    public void All_of_it_is_told_at_once() => Assert.Equal(
        4, Exposure.Check(new BusOptions { RabbitMqUrl = $"amqp://guest:guest@{new IPAddress([10, 0, 0, 7])}/" }, Open, ["http://+:8080"]).Count());
}
