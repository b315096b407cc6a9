namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// What queues on a broker hold at most. The others are bounded by what is sent: tasks by the slots of their workers, answers by tasks, commands by rounds
/// (docs/reliability.md).
/// </summary>
public static class QueueLimits
{
    /// <summary>Deliveries of a message that nobody acknowledges, until it goes to the dead-letter queue: the default of RabbitMQ 4, and none of 3.</summary>
    public const int Deliveries = 20;

    /// <summary>Messages kept in a dead-letter queue; beyond it the oldest go.</summary>
    public const int DeadLetters = 10_000;

    /// <summary>Signs of life that wait for the Orchestrator; beyond it the oldest go.</summary>
    public const int Heartbeats = 10_000;

    /// <summary>How long a sign of life is worth telling, in milliseconds.</summary>
    public const int HeartbeatMilliseconds = 30_000;
}
