using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>The ledger's rules told once more, over a plain list and with nothing derived: what the protocol is compared to.</summary>
internal sealed class NaiveLedger(NaiveBudgets? budgets = null)
{
    private readonly List<Line> _lines = [];
    private readonly Dictionary<(Guid, int), int> _committed = [];

    /// <summary>Clients reserved, and clients refused with their reason.</summary>
    public (List<string> Reserved, List<(string, string)> Refused) Reserve(ReserveBudget message)
    {
        var reserved = new List<string>();
        var refused = new List<(string, string)>();
        foreach (var client in message.Clients)
        {
            var reason = ReasonAgainst(message, client);
            if (reason is not null)
            {
                refused.Add((client.ClientId, reason));
                continue;
            }

            reserved.Add(client.ClientId);
            if (!_lines.Exists(line => line.IsOf(message, client.ClientId)))
            {
                foreach (var charge in client.Charges)
                {
                    budgets?.Take(client.Ledger.Owner, charge);
                }

                _lines.Add(new Line(message.RunId, message.Round, client.ClientId, message.Attempt, client.Ledger.Owner, client.Charges));
            }
        }

        return (reserved, refused);
    }

    /// <summary>Reservations the round's first commit made final.</summary>
    public int Commit(CommitBudget message)
    {
        if (_committed.TryGetValue((message.RunId, message.Round), out var before))
        {
            return before;
        }

        var open = _lines.FindAll(line => line.RunId == message.RunId && line.Round == message.Round && line.State == "reserved");
        open.ForEach(line => line.State = "committed");
        return _committed[(message.RunId, message.Round)] = open.Count;
    }

    public void Refund(RefundBudget message)
    {
        foreach (var line in _lines.Where(line => line.ReservationId == message.ReservationId && line.State == "reserved"))
        {
            line.State = "refunded";
        }
    }

    /// <summary>Charges a further output like the task's first, once for each hash.</summary>
    /// <returns>Whether it was charged.</returns>
    public bool Output(ChargeOutput message)
    {
        var attempt = 0x40000000 | (Convert.ToInt32(message.UpdateSha256[..8], 16) & 0x3FFFFFFF);
        var task = _lines.Find(line => line.ReservationId == message.ReservationId);
        if (task is null || _lines.Exists(line => (line.RunId, line.Round, line.ClientId, line.Attempt) == (task.RunId, task.Round, task.ClientId, attempt)))
        {
            return false;
        }

        _lines.Add(new Line(task.RunId, task.Round, task.ClientId, attempt, task.Owner, task.Charges) { State = "committed" });
        return true;
    }

    /// <summary>Per unit, one entry for each charge and one for each end; and those of budgets.</summary>
    public int EntryCount => _lines.Sum(line => line.State == "reserved" ? 2 : 4) + (budgets?.Entries ?? 0);

    /// <summary>What an account's reserved and committed charges are.</summary>
    public IEnumerable<PrivacyCharge> Charges(string owner, PrivacyUnit unit) =>
        _lines.Where(line => line.Owner == owner && line.State != "refunded").Select(line => line.Charges.Single(charge => charge.Unit == unit));

    public IEnumerable<(Guid, int, string, int, string, string)> States =>
        _lines.Select(line => (line.RunId, line.Round, line.ClientId, line.Attempt, line.Owner, line.State));

    private string? ReasonAgainst(ReserveBudget message, ReservationRequest client)
    {
        var same = _lines.Find(line => line.IsOf(message, client.ClientId));
        if (same is not null)
        {
            return same.Owner != client.Ledger.Owner || !same.Charges.SequenceEqual(client.Charges) ? "CONFLICT" : same.State == "refunded" ? "REFUNDED" : null;
        }

        if (_committed.ContainsKey((message.RunId, message.Round)))
        {
            return "ROUND_COMMITTED";
        }

        return _lines.Exists(line => line.RunId == message.RunId && line.Round == message.Round && line.Owner == client.Ledger.Owner && line.ClientId != client.ClientId)
            ? "OWNER_ALREADY_IN_ROUND"
            : budgets is not null && client.Charges.Any(charge => !budgets.Fits(client.Ledger.Owner, charge, Charges(client.Ledger.Owner, charge.Unit))) ? "BUDGET_EXHAUSTED"
            : null;
    }

    private sealed class Line(Guid runId, int round, string clientId, int attempt, string owner, IReadOnlyList<PrivacyCharge> charges)
    {
        public Guid ReservationId => Contracts.ReservationId.Of(runId, round, clientId, attempt);
        public Guid RunId => runId;
        public int Round => round;
        public string ClientId => clientId;
        public int Attempt => attempt;
        public string Owner => owner;
        public IReadOnlyList<PrivacyCharge> Charges => charges;
        public string State { get; set; } = "reserved";

        public bool IsOf(ReserveBudget message, string client) =>
            (runId, round, clientId, attempt) == (message.RunId, message.Round, client, message.Attempt);
    }
}
