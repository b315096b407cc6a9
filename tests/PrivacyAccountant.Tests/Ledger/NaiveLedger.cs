using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>The ledger's rules told once more, over a plain list and with nothing derived: what the protocol is compared to.</summary>
internal sealed class NaiveLedger
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
                _lines.Add(new Line(message.RunId, message.Round, client.ClientId, message.Attempt, client.Ledger.Owner));
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
        foreach (var line in _lines.Where(line => ReservationId.Of(line.RunId, line.Round, line.ClientId, line.Attempt) == message.ReservationId && line.State == "reserved"))
        {
            line.State = "refunded";
        }
    }

    /// <summary>Per unit, one entry for each charge and one for each end.</summary>
    public int EntryCount => _lines.Sum(line => line.State == "reserved" ? 2 : 4);

    public IEnumerable<(Guid, int, string, int, string, string)> States =>
        _lines.Select(line => (line.RunId, line.Round, line.ClientId, line.Attempt, line.Owner, line.State));

    private string? ReasonAgainst(ReserveBudget message, ReservationRequest client)
    {
        var same = _lines.Find(line => line.IsOf(message, client.ClientId));
        if (same is not null)
        {
            return same.Owner != client.Ledger.Owner ? "CONFLICT" : same.State == "refunded" ? "REFUNDED" : null;
        }

        if (_committed.ContainsKey((message.RunId, message.Round)))
        {
            return "ROUND_COMMITTED";
        }

        return _lines.Exists(line => line.RunId == message.RunId && line.Round == message.Round && line.Owner == client.Ledger.Owner && line.ClientId != client.ClientId)
            ? "OWNER_ALREADY_IN_ROUND"
            : null;
    }

    private sealed class Line(Guid runId, int round, string clientId, int attempt, string owner)
    {
        public Guid RunId => runId;
        public int Round => round;
        public string ClientId => clientId;
        public int Attempt => attempt;
        public string Owner => owner;
        public string State { get; set; } = "reserved";

        public bool IsOf(ReserveBudget message, string client) =>
            (runId, round, clientId, attempt) == (message.RunId, message.Round, client, message.Attempt);
    }
}
