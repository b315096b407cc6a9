using FlEvents.ServiceDefaults.Hosting;
using Microsoft.Extensions.Configuration;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class SecretFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_file_takes_the_place_of_the_variable_that_it_is_named_as()
    {
        File.WriteAllText(_folder.File("Bus__RabbitMqUrl"), "amqps://orchestrator:secret@rabbitmq/flevents\n");
        File.WriteAllText(_folder.File("Security__ApiKeys__ci__Scopes"), "runs:read runs:write");

        var settings = Read();

        Assert.Equal("amqps://orchestrator:secret@rabbitmq/flevents", settings["Bus:RabbitMqUrl"]);
        Assert.Equal("runs:read runs:write", settings["Security:ApiKeys:ci:Scopes"]);
    }

    [Fact]
    public void A_setting_from_elsewhere_overrules_the_file()
    {
        File.WriteAllText(_folder.File("Bus__RabbitMqUrl"), "amqps://rabbitmq/file");

        Assert.Equal("amqps://rabbitmq/variable", Read(("Bus:RabbitMqUrl", "amqps://rabbitmq/variable"))["Bus:RabbitMqUrl"]);
    }

    [Fact]
    public void What_others_have_put_there_is_not_read()
    {
        File.WriteAllText(_folder.File("urls"), "http://+:80");
        Directory.CreateDirectory(_folder.File("kubernetes.io"));

        Assert.Empty(Read().AsEnumerable());
    }

    [Fact]
    public void Without_the_folder_there_is_nothing_to_read() => Assert.Empty(Read(_folder.File("absent")).AsEnumerable());

    public void Dispose() => _folder.Dispose();

    private IConfigurationRoot Read(params (string Key, string Value)[] others) => Read(_folder.Path, others);

    private static IConfigurationRoot Read(string folder, params (string Key, string Value)[] others)
    {
        var builder = new ConfigurationBuilder().AddInMemoryCollection(others.Select(other => KeyValuePair.Create(other.Key, (string?)other.Value)));
        SecretFiles.Add(builder, folder);
        return builder.Build();
    }
}
