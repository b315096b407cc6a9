using FlEvents.Testing;

// Memory is measured, and a flood leaves little of the machine to others.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(RabbitMqBroker))]
