using FlEvents.Orchestrator.Edge;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Http;

/// <summary>What a caller needs for each endpoint there is, so that a new one is thought about.</summary>
public sealed class EndpointScopeTests
{
    private const string Anyone = "anyone";

    private static readonly string[] OfEveryService =
    [
        $"GET /health: {Anyone}",
        $"GET /alive: {Anyone}",
        $"GET /metrics: {Anyone}",
        $"GET /quarantine/: {Scopes.RunsRead}",
        $"GET /quarantine/{{service}}/{{id:long}}: {Scopes.RunsRead}",
        $"POST /quarantine/{{service}}/{{id:long}}/replay: {Scopes.RunsWrite}",
        $"DELETE /quarantine/{{service}}/{{id:long}}: {Scopes.RunsWrite}",
        $"GET /backup/: {Scopes.LedgerAdmin}",
        $"GET /backup/{{service}}: {Scopes.LedgerAdmin}",
        $"GET /audit: {Scopes.LedgerAdmin}",
    ];

    [Theory]
    [InlineData(
        "Orchestrator",
        $"GET /openapi/{{documentName}}.json: {Anyone}",
        $"GET /: {Anyone}",
        $"GET /console/settings.json: {Anyone}",

        // Refuses whoever is not known, by itself.
        $"GET /console/session.json: {Anyone}",
        $"GET /console/{{**path}}: {Anyone}",
        $"POST /plan: {Scopes.RunsRead}",
        $"POST /runs/: {Scopes.RunsWrite}",
        $"GET /runs/: {Scopes.RunsRead}",
        $"GET /runs/{{runId:guid}}: {Scopes.RunsRead}",
        $"POST /runs/{{runId:guid}}/pause: {Scopes.RunsWrite}",
        $"POST /runs/{{runId:guid}}/resume: {Scopes.RunsWrite}",
        $"POST /runs/{{runId:guid}}/stop: {Scopes.RunsWrite}",
        $"GET /runs/{{runId:guid}}/rounds: {Scopes.RunsRead}",
        $"GET /runs/{{runId:guid}}/clients: {Scopes.RunsRead}",
        $"GET /runs/{{runId:guid}}/model: {Scopes.RunsRead}",
        $"GET /runs/{{runId:guid}}/events: {Scopes.RunsRead}",
        $"GET /runs/{{runId:guid}}/log: {Scopes.RunsRead}",
        $"GET /runs/{{runId:guid}}/charges: {Scopes.RunsRead}",
        $"GET /runs/events: {Scopes.RunsRead}",
        $"GET /runs/schema.json: {Scopes.RunsRead}",
        $"GET /services/aggregator/quarantine/: {Scopes.RunsRead}",
        $"GET /services/aggregator/quarantine/aggregator/{{id:long}}: {Scopes.RunsRead}",
        $"POST /services/aggregator/quarantine/aggregator/{{id:long}}/replay: {Scopes.RunsWrite}",
        $"DELETE /services/aggregator/quarantine/aggregator/{{id:long}}: {Scopes.RunsWrite}",
        $"GET /services/privacy-accountant/quarantine/: {Scopes.RunsRead}",
        $"GET /services/privacy-accountant/quarantine/privacy-accountant/{{id:long}}: {Scopes.RunsRead}",
        $"POST /services/privacy-accountant/quarantine/privacy-accountant/{{id:long}}/replay: {Scopes.RunsWrite}",
        $"DELETE /services/privacy-accountant/quarantine/privacy-accountant/{{id:long}}: {Scopes.RunsWrite}",
        $"PUT /services/privacy-accountant/ledger/budgets: {Scopes.LedgerAdmin}",
        $"GET /services/privacy-accountant/ledger/clients/{{clientId}}: {Scopes.LedgerRead}",
        $"GET /services/privacy-accountant/ledger/clients/{{clientId}}/forecast: {Scopes.LedgerRead}",
        $"GET /services/privacy-accountant/ledger/entries: {Scopes.LedgerRead}",
        $"GET /services/privacy-accountant/ledger/head: {Scopes.LedgerRead}",
        $"GET /services/privacy-accountant/ledger/quarantine/: {Scopes.LedgerRead}",
        $"GET /clients/: {Scopes.RunsRead}",
        $"DELETE /clients/{{clientId}}: {Scopes.RunsWrite}",
        $"GET /enrolments/: {Scopes.RunsRead}",
        $"POST /enrolments/: {Scopes.RunsWrite}",
        $"POST /enrolments/{{clientId}}/approve: {Scopes.RunsWrite}",
        $"POST /enrolments/{{clientId}}/suspend: {Scopes.RunsWrite}",
        $"POST /enrolments/{{clientId}}/resume: {Scopes.RunsWrite}",
        $"POST /enrolments/{{clientId}}/revoke: {Scopes.RunsWrite}",

        // Opened by an invitation's token.
        $"POST /edge/enrolment: {Anyone}",
        $"GET /edge/tasks/: {EdgeAccess.Policy}",
        $"GET /edge/tasks/{{roundId:guid}}: {EdgeAccess.Policy}",
        $"POST /edge/tasks/{{roundId:guid}}/accept: {EdgeAccess.Policy}",
        $"POST /edge/tasks/{{roundId:guid}}/renew: {EdgeAccess.Policy}",
        $"POST /edge/tasks/{{roundId:guid}}/refuse: {EdgeAccess.Policy}",
        $"POST /edge/tasks/{{roundId:guid}}/interrupt: {EdgeAccess.Policy}",
        $"POST /edge/tasks/{{roundId:guid}}/submit: {EdgeAccess.Policy}")]
    [InlineData(
        "Aggregator",

        // The model by the scope blobs:client or by a task's lease token, its update by the token alone.
        $"GET /models/{{sha256}}: {Anyone}",
        $"HEAD /updates/{{reservationId:guid}}: {Anyone}",
        $"PUT /updates/{{reservationId:guid}}: {Anyone}")]
    [InlineData(
        "PrivacyAccountant",
        $"GET /ledger/entries: {Scopes.LedgerRead}",
        $"GET /ledger/clients/{{clientId}}: {Scopes.LedgerRead}",
        $"GET /ledger/clients/{{clientId}}/forecast: {Scopes.LedgerRead}",
        $"GET /ledger/head: {Scopes.LedgerRead}",
        $"PUT /ledger/budgets: {Scopes.LedgerAdmin}",
        $"GET /ledger/quarantine/: {Scopes.LedgerRead}",
        $"POST /ledger/quarantine/ask: {Scopes.LedgerAdmin}",
        $"POST /ledger/quarantine/accept: {Scopes.LedgerAdmin}")]
    [InlineData("ClientWorker")]
    public void Every_endpoint_asks_for_the_scope_that_it_is_meant_for(string service, params string[] own)
    {
        using var folder = new TemporaryFolder();
        var found = ServiceEndpoints.Of(service, folder.Path).Select(endpoint => $"{endpoint.Method} {endpoint.Pattern}: {endpoint.Scope ?? Anyone}");
        Assert.Equal(OfEveryService.Concat(own).Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    // Workers and enrolled clients change things too, by the leases of their tasks and by an invitation: the books tell of them. A plan changes nothing.
    [Fact]
    public void Whatever_an_operator_changes_or_a_database_that_is_handed_out_is_audited()
    {
        using var folder = new TemporaryFolder();
        Assert.All(ServiceEndpoints.Services.SelectMany(service => ServiceEndpoints.Of(service, folder.Path)), endpoint => Assert.Equal(
            endpoint.Pattern == "/backup/{service}" || (endpoint.Method is not ("GET" or "HEAD") && endpoint.Scope is not (null or EdgeAccess.Policy) && endpoint.Pattern != "/plan"),
            endpoint.IsAudited));
    }
}
