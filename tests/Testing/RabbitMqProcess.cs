namespace FlEvents.Testing;

/// <summary>Debian's RabbitMQ as a child process: a temporary folder, ports and an Erlang name server of its own, all on loopback.</summary>
public sealed class RabbitMqProcess : IBrokerHost
{
    private const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StopTime = TimeSpan.FromMinutes(2);

    private readonly TemporaryFolder _folder = new();
    private readonly int _port = FreePort.Next();
    private readonly int _managementPort = FreePort.Next();
    private readonly int _metricsPort = FreePort.Next();
    private readonly Dictionary<string, string?> _environment;
    private ChildProcess? _process;

    /// <param name="configuration">Further lines of rabbitmq.conf.</param>
    public RabbitMqProcess(string configuration = "")
    {
        File.WriteAllText(_folder.File("enabled_plugins"), "[rabbitmq_management,rabbitmq_prometheus].\n");
        File.WriteAllText(
            _folder.File("rabbitmq.conf"),
            $"""
            management.tcp.ip = 127.0.0.1
            management.tcp.port = {_managementPort}
            prometheus.tcp.ip = 127.0.0.1
            prometheus.tcp.port = {_metricsPort}
            collect_statistics_interval = 1000
            {configuration}

            """);
        _environment = new()
        {
            // The Erlang cookie lies in HOME.
            ["HOME"] = _folder.Path,
            ["RABBITMQ_NODENAME"] = $"flevents-{Guid.NewGuid():N}@localhost",
            ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_NODE_PORT"] = $"{_port}",
            ["RABBITMQ_DIST_PORT"] = $"{FreePort.Next()}",

            // Queues are counted every second, not every five: tests wait for the counts.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1} -rabbit quorum_tick_interval 1000",

            // A name server on a port of its own is one this broker has started, so it may be ended with it.
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["ERL_EPMD_PORT"] = $"{FreePort.Next()}",
            ["RABBITMQ_MNESIA_BASE"] = _folder.File("data"),
            ["RABBITMQ_LOG_BASE"] = _folder.File("log"),
            ["RABBITMQ_LOGS"] = "-",
            ["RABBITMQ_PID_FILE"] = _folder.File("pid"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = _folder.File("enabled_plugins"),
            ["RABBITMQ_CONFIG_FILE"] = _folder.File("rabbitmq.conf"),

            // These do not exist: what the machine's own broker is told does not hold here.
            ["RABBITMQ_CONF_ENV_FILE"] = _folder.File("rabbitmq-env.conf"),
            ["RABBITMQ_ADVANCED_CONFIG_FILE"] = _folder.File("advanced.config"),
        };
    }

    public static bool IsInstalled => File.Exists(Server);

    public Uri Uri => new($"amqp://guest:guest@127.0.0.1:{_port}/");

    public Uri ManagementUri => new($"http://guest:guest@127.0.0.1:{_managementPort}/");

    public Uri MetricsUri => new($"http://127.0.0.1:{_metricsPort}/");

    public async Task StartAsync()
    {
        if (_process is not null)
        {
            throw new InvalidOperationException("The broker is running.");
        }

        _process = ChildProcess.Start(Server, [], _environment);
        await _process.WaitForLineAsync(line => line.Contains("Server startup complete", StringComparison.Ordinal), StartTime).ConfigureAwait(false);
    }

    public async Task StopAsync()
    {
        try
        {
            // A process that is held still takes no SIGTERM.
            _process?.SignalAll(Signal.Continue);
            await (_process?.TerminateAsync(StopTime) ?? Task.FromResult(0)).ConfigureAwait(false);
        }
        finally
        {
            await KillAsync().ConfigureAwait(false);
        }
    }

    public async Task KillAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync().ConfigureAwait(false);
            _process = null;
        }
    }

    public Task SuspendAsync()
    {
        _process?.SignalAll(Signal.Stop);
        return Task.CompletedTask;
    }

    public Task ResumeAsync()
    {
        _process?.SignalAll(Signal.Continue);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync().ConfigureAwait(false);
        _folder.Dispose();
    }
}
