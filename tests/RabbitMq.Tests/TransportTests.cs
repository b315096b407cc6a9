using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

/// <summary><c>flevents run</c> over the broker.</summary>
public sealed class TransportTests(RabbitMqBroker broker)
{
    [Fact]
    public async Task A_run_over_the_broker_gives_the_model_of_a_run_in_memory()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("tiny.json"), TinyRun.Json);
        await using var program = Product.Start(
            new Dictionary<string, string?> { ["Bus__RabbitMqUrl"] = host.Url }, "run", folder.File("tiny.json"), "--out", folder.File("out"), "--transport", "rabbitmq");

        Assert.Equal(0, await program.WaitForExitAsync(Product.Patience));
        Assert.Equal(await InProcess.ModelSha256Async(TinyRun.Read()), Product.ModelSha256(folder.File("out")));
    }
}
