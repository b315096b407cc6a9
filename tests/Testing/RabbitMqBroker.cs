namespace FlEvents.Testing;

/// <summary>
/// A RabbitMQ broker for the tests of an assembly: the one that <c>RABBITMQ_URL</c> names, else Debian's as a child process on free loopback ports,
/// else the image in Docker. Where there is none of these, a test that touches it is skipped with the reason.
/// </summary>
/// <remarks>Declare it once: <c>[assembly: AssemblyFixture(typeof(RabbitMqBroker))]</c>. Tests share it, so they name their own queues.</remarks>
public sealed class RabbitMqBroker : IAsyncLifetime
{
    private IBrokerHost? _host;
    private string _unavailable = "The broker was not started.";

    /// <summary><c>amqp://user:password@host:port/</c></summary>
    public Uri Uri => Host.Uri;

    /// <summary>The management plugin's API, with the broker's user and password.</summary>
    public Uri ManagementUri => Host.ManagementUri;

    /// <inheritdoc cref="IBrokerHost.MetricsUri"/>
    public Uri MetricsUri => Host.MetricsUri;

    private IBrokerHost Host
    {
        get
        {
            Assert.SkipWhen(_host is null, _unavailable);
            return _host;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("RABBITMQ_URL") is { Length: > 0 } url)
        {
            _host = new GivenBroker(new Uri(url));
        }
        else if (RabbitMqProcess.IsInstalled)
        {
            _host = new RabbitMqProcess();
        }
        else if (await RabbitMqContainer.IsPossibleAsync().ConfigureAwait(false))
        {
            _host = new RabbitMqContainer();
        }
        else
        {
            _unavailable = "No RabbitMQ: set RABBITMQ_URL, or install Debian's (apt-get install --no-install-recommends rabbitmq-server), or start Docker.";
            return;
        }

        await _host.StartAsync().ConfigureAwait(false);
    }

    /// <summary>Starts the broker again after <see cref="StopAsync"/> or <see cref="KillAsync"/>: same ports, same data.</summary>
    public Task StartAsync() => Host.StartAsync();

    /// <summary>Shuts the broker down in order.</summary>
    public Task StopAsync() => Host.StopAsync();

    /// <summary>Kills the broker (SIGKILL).</summary>
    public Task KillAsync() => Host.KillAsync();

    /// <summary>Holds the broker still (SIGSTOP): its connections stay open and nobody answers.</summary>
    public Task SuspendAsync() => Host.SuspendAsync();

    /// <summary>Lets a suspended broker go on.</summary>
    public Task ResumeAsync() => Host.ResumeAsync();

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Somebody else's broker: it is used, never stopped.</summary>
    private sealed class GivenBroker(Uri uri) : IBrokerHost
    {
        private const string NotOurs = "RABBITMQ_URL names a broker that a test must not stop; unset it to let the tests start their own.";

        public Uri Uri => uri;

        public Uri ManagementUri => Environment.GetEnvironmentVariable("RABBITMQ_MANAGEMENT_URL") is { Length: > 0 } url
            ? new Uri(url)
            : new UriBuilder(Uri.UriSchemeHttp, uri.Host, 15672).Uri;

        public Uri MetricsUri => new UriBuilder(Uri.UriSchemeHttp, uri.Host, 15692).Uri;

        public Task StartAsync() => Task.CompletedTask;

        public Task StopAsync() => Skip();

        public Task KillAsync() => Skip();

        public Task SuspendAsync() => Skip();

        public Task ResumeAsync() => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static Task Skip()
        {
            Assert.Skip(NotOurs);
            return Task.CompletedTask;
        }
    }
}
