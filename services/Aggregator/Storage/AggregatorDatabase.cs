using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>The Aggregator's database: books, models and uploads.</summary>
public sealed class AggregatorDatabase(DatabaseSettings settings, TimeProvider time, ILogger<Database> log) : Database(settings, time, log);
