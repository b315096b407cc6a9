using System.ComponentModel.DataAnnotations;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>Section <c>Bus</c>: how events travel.</summary>
public sealed class BusOptions
{
    public const string Section = "Bus";

    private static readonly string[] PlainSchemes = ["amqp", "rabbitmq"];
    private static readonly string[] TlsSchemes = ["amqps", "rabbitmqs"];

    /// <summary>Memory for services that share a process, RabbitMq for the rest.</summary>
    public Transport Transport { get; set; } = Transport.RabbitMq;

    /// <summary>Address of the broker, with user, password and virtual host: <c>amqps://user:password@host:5671/vhost</c>.</summary>
    [Required]
    public string RabbitMqUrl { get; set; } = "amqp://guest:guest@127.0.0.1:5672/";

    /// <summary>TLS to the broker.</summary>
    public BrokerTls Tls { get; set; } = new();

    /// <summary>
    /// Lets a service talk to a broker on another machine without TLS: for networks that something else guards, such as a mesh or a machine's own. Whoever is
    /// on the way reads the password and forges messages.
    /// </summary>
    public bool AllowPlaintext { get; set; }

    /// <summary>Messages a service takes from the broker before it has answered the first.</summary>
    [Range(1, 1000)]
    public int Prefetch { get; set; } = 64;

    /// <summary>Longest a service waits for work in hand when it stops, in seconds.</summary>
    [Range(1, 600)]
    public int StopTimeoutSeconds { get; set; } = 30;

    /// <summary>The broker's address; null where it is none.</summary>
    internal Uri? Broker =>
        Uri.TryCreate(RabbitMqUrl, UriKind.Absolute, out var url) && (PlainSchemes.Contains(url.Scheme) || TlsSchemes.Contains(url.Scheme)) && url.Host.Length > 0 ? url : null;

    internal bool IsEncrypted => Broker is { } broker && TlsSchemes.Contains(broker.Scheme);

    internal static IEnumerable<string> Check(BusOptions options)
    {
        if (options.Transport == Transport.Memory)
        {
            return [];
        }

        if (options.Broker is null)
        {
            // Without the value, because it may hold a password.
            return ["RabbitMqUrl is no address of a broker: expected amqps://user:password@host:port/vhost, or amqp."];
        }

        return !options.IsEncrypted && options.Tls.IsGiven
            ? ["Tls is given, and RabbitMqUrl is no amqps address: TLS needs one."]
            : options.Tls.Check();
    }
}

/// <summary>What carries the messages.</summary>
public enum Transport
{
    Memory,
    RabbitMq,
}
