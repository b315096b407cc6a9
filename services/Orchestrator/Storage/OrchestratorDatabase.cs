using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>The Orchestrator's database: runs, rounds, their members, clients and evaluations.</summary>
public sealed class OrchestratorDatabase(DatabaseSettings settings, TimeProvider time, ILogger<Database> log) : Database(settings, time, log);
