using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

/// <summary>A deployment whose services let in only those whose keys they know.</summary>
public sealed class SecuredDeploymentTests(RabbitMqBroker broker)
{
    private readonly string _operator = ApiKey.New();
    private readonly string _worker = ApiKey.New();
    private readonly string _auditor = ApiKey.New();

    [Fact]
    public async Task A_run_completes_for_those_whose_keys_are_known_and_nobody_else_is_let_in()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url) { Key = _operator };
        services.Settings[""] = Known(("operator", _operator, "runs:read runs:write"), ("worker", _worker, Scopes.BlobsClient), ("auditor", _auditor, Scopes.LedgerRead));
        services.Settings[Deployment.Orchestrator] = new() { ["Orchestrator__ApiKey"] = _worker };
        services.Settings["worker-1"] = new() { ["ClientWorker__ApiKey"] = _worker };
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        await services.ReadyAsync();

        var run = await services.CreateAsync(TinyRun.Read());
        Assert.Equal(await InProcess.ModelSha256Async(TinyRun.Read()), await services.ModelSha256Async(run));

        var orchestrator = services.UrlOf(Deployment.Orchestrator);
        var accountant = services.UrlOf(Deployment.Accountant);
        Assert.Equal(
            (1, $"The Orchestrator at {orchestrator}/ did not answer as expected: Expected Authorization: Bearer with an API key or a token. Set FLEVENTS_API_KEY."),
            await CallAsync(key: null, "status", "--url", orchestrator));
        Assert.Equal(0, (await CallAsync(_operator, "status", "--url", orchestrator)).ExitCode);
        Assert.Equal(0, (await CallAsync(_auditor, "ledger", "verify", "--url", accountant)).ExitCode);
        var (exitCode, said) = await CallAsync(_operator, "ledger", "verify", "--url", accountant);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("operator may do runs:read, runs:write; this needs ledger:read.", said, StringComparison.Ordinal);
    }

    private static Dictionary<string, string?> Known(params (string Name, string Key, string Scopes)[] keys) => keys
        .SelectMany(key => new[] { ($"Security__ApiKeys__{key.Name}__Sha256", ApiKey.Hash(key.Key)), ($"Security__ApiKeys__{key.Name}__Scopes", key.Scopes) })
        .ToDictionary(setting => setting.Item1, setting => (string?)setting.Item2);

    private static async Task<(int ExitCode, string Output)> CallAsync(string? key, params string[] arguments)
    {
        await using var program = Product.Start(new Dictionary<string, string?> { ["FLEVENTS_API_KEY"] = key }, arguments);
        var exitCode = await program.WaitForExitAsync(Product.Patience);
        return (exitCode, string.Join('\n', program.Output));
    }
}
