using System.ComponentModel.DataAnnotations;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>Section <c>Bus</c>: how events travel.</summary>
public sealed class BusOptions
{
    public const string Section = "Bus";

    /// <summary>Memory for services that share a process, RabbitMq for the rest.</summary>
    public Transport Transport { get; set; } = Transport.RabbitMq;

    /// <summary>Address of the broker, with user, password and virtual host: <c>amqp://user:password@host:5672/vhost</c>.</summary>
    [Required]
    public string RabbitMqUrl { get; set; } = "amqp://guest:guest@127.0.0.1:5672/";

    /// <summary>Messages a service takes from the broker before it has answered the first.</summary>
    [Range(1, 1000)]
    public int Prefetch { get; set; } = 64;

    /// <summary>Longest a service waits for work in hand when it stops, in seconds.</summary>
    [Range(1, 600)]
    public int StopTimeoutSeconds { get; set; } = 30;
}

/// <summary>What carries the messages.</summary>
public enum Transport
{
    Memory,
    RabbitMq,
}
