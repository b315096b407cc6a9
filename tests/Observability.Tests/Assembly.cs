using FlEvents.Testing;

// Child processes, a broker and Prometheus share the machine: one class after the other.
[assembly: AssemblyFixture(typeof(RabbitMqBroker))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]
