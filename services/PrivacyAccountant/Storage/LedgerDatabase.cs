using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.PrivacyAccountant;

/// <summary>The PrivacyAccountant's database: the ledger.</summary>
public sealed class LedgerDatabase(DatabaseSettings settings, TimeProvider time, ILogger<Database> log) : Database(settings, time, log);
