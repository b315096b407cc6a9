using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FlEvents.PrivacyAccountant;

/// <summary>A ledger that is quarantined answers nobody: it is not ready.</summary>
public sealed class LedgerHealth(LedgerStore ledger) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(ledger.Database.Read(LedgerQuarantines.IsQuarantined)
            ? HealthCheckResult.Unhealthy("The ledger is quarantined: GET /ledger/quarantine tells why.")
            : HealthCheckResult.Healthy());
}
