using System.ComponentModel;

namespace FlEvents.Testing;

/// <summary>RabbitMQ's image in Docker, its ports published on loopback. <c>RABBITMQ_IMAGE</c> names another image.</summary>
public sealed class RabbitMqContainer : IBrokerHost
{
    private static readonly TimeSpan AskTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PullTime = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StopTime = TimeSpan.FromMinutes(2);

    private readonly string _name = $"flevents-{Guid.NewGuid():N}";
    private readonly int _port = FreePort.Next();
    private readonly int _managementPort = FreePort.Next();
    private readonly int _metricsPort = FreePort.Next();
    private bool _isCreated;
    private ChildProcess? _attached;

    public Uri Uri => new($"amqp://guest:guest@127.0.0.1:{_port}/");

    public Uri ManagementUri => new($"http://guest:guest@127.0.0.1:{_managementPort}/");

    public Uri MetricsUri => new($"http://127.0.0.1:{_metricsPort}/");

    /// <summary>Whether there is a Docker client whose server answers.</summary>
    public static async Task<bool> IsPossibleAsync()
    {
        try
        {
            await using var asked = ChildProcess.Start("docker", ["version"]);
            return await asked.WaitForExitAsync(AskTime).ConfigureAwait(false) == 0;
        }
        catch (Exception error) when (error is Win32Exception or TimeoutException)
        {
            // No such program, or a server that does not answer.
            return false;
        }
    }

    public async Task StartAsync()
    {
        if (!_isCreated)
        {
            HostEnd.Run("docker rm --force --volumes \"$1\"", _name);
            await DockerAsync(
                PullTime,
                "create", "--name", _name, "--hostname", "flevents",
                "--publish", $"127.0.0.1:{_port}:5672", "--publish", $"127.0.0.1:{_managementPort}:15672", "--publish", $"127.0.0.1:{_metricsPort}:15692",
                Environment.GetEnvironmentVariable("RABBITMQ_IMAGE") is { Length: > 0 } image ? image : "rabbitmq:4-management").ConfigureAwait(false);
            _isCreated = true;
        }

        _attached = ChildProcess.Start("docker", ["start", "--attach", _name]);
        await _attached.WaitForLineAsync(line => line.Contains("Server startup complete", StringComparison.Ordinal), StartTime).ConfigureAwait(false);
    }

    public async Task StopAsync()
    {
        await DockerAsync(StopTime, "stop", "-t", "30", _name).ConfigureAwait(false);
        await DetachAsync().ConfigureAwait(false);
    }

    public async Task KillAsync()
    {
        await DockerAsync(StopTime, "kill", _name).ConfigureAwait(false);
        await DetachAsync().ConfigureAwait(false);
    }

    public Task SuspendAsync() => DockerAsync(StopTime, "pause", _name);

    public Task ResumeAsync() => DockerAsync(StopTime, "unpause", _name);

    public async ValueTask DisposeAsync()
    {
        await DetachAsync().ConfigureAwait(false);
        if (_isCreated)
        {
            await DockerAsync(StopTime, "rm", "--force", "--volumes", _name).ConfigureAwait(false);
        }
    }

    private static async Task DockerAsync(TimeSpan timeout, params string[] arguments)
    {
        await using var docker = ChildProcess.Start("docker", arguments);
        if (await docker.WaitForExitAsync(timeout).ConfigureAwait(false) is not 0 and var code)
        {
            throw new InvalidOperationException($"docker {arguments[0]} ended with {code}: {string.Join('\n', docker.Output)}");
        }
    }

    private async Task DetachAsync()
    {
        if (_attached is not null)
        {
            await _attached.DisposeAsync().ConfigureAwait(false);
            _attached = null;
        }
    }
}
