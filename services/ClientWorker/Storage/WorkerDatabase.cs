using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ClientWorker.Storage;

/// <summary>The ClientWorker's database: its tasks.</summary>
public sealed class WorkerDatabase(DatabaseSettings settings, TimeProvider time, ILogger<Database> log) : Database(settings, time, log);
