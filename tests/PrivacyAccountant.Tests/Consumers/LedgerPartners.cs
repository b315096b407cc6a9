using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>An Orchestrator and an Aggregator as the ledger sees them: what they asked and were answered, and what they tell of it.</summary>
internal sealed class LedgerPartners
{
    private readonly List<(ReserveBudget Request, BudgetReserved Answer)> _charged = [];
    private readonly List<LedgerReceipt> _commits = [];

    /// <summary>The newest receipt that the Orchestrator was given.</summary>
    public LedgerReceipt? Newest => _charged.Count == 0 ? null : _charged[^1].Answer.Receipt;

    /// <summary>Every receipt that was ever given out.</summary>
    public IEnumerable<LedgerReceipt> Receipts => _charged.Select(page => page.Answer.Receipt!).Concat(_commits);

    /// <summary>Since when the Orchestrator knows what it did; null for ever.</summary>
    public DateTimeOffset? KnownSince { get; init; }

    /// <summary>Has clients charged, and keeps the answer.</summary>
    public async Task<BudgetReserved> ReserveAsync(AccountantHost ledger, ReserveBudget request)
    {
        await ledger.SendAsync(request with { LastReceipt = Newest });
        while (true)
        {
            // A ledger that was put back sends again what it had not heard to have arrived.
            if (await ledger.NextAsync<BudgetReserved>() is var answer && answer.RoundId == request.RoundId)
            {
                _charged.Add((request, answer));
                return answer;
            }
        }
    }

    public async Task<BudgetCommitted> CommitAsync(AccountantHost ledger, CommitBudget commit)
    {
        await ledger.SendAsync(commit);
        while (true)
        {
            if (await ledger.NextAsync<BudgetCommitted>() is var answer && answer.RoundId == commit.RoundId)
            {
                _commits.Add(answer.Receipt);
                return answer;
            }
        }
    }

    /// <summary>Answers the ledger's questions to the end, as the two services do: a page at a time.</summary>
    public async Task ReportAsync(AccountantHost ledger)
    {
        await ReportOfOrchestratorAsync(ledger);
        await ReportOfAggregatorAsync(ledger);
    }

    public async Task ReportOfOrchestratorAsync(AccountantHost ledger)
    {
        var asked = await ledger.AskedAsync(LedgerReporter.Orchestrator);
        Assert.Equal(0, asked.Cursor);
        foreach (var (request, answer) in _charged.Where(page => page.Answer.Receipt!.Sequence > asked.AfterSequence))
        {
            var page = Report(asked, LedgerReporter.Orchestrator) with
            {
                NextCursor = asked.Cursor + 1,
                RunId = request.RunId,
                RoundId = request.RoundId,
                Round = request.Round,
                Attempt = request.Attempt,
                Clients = [.. request.Clients.Where(client => answer.ClientIds.Contains(client.ClientId))],
                Receipts = [answer.Receipt!],
            };
            // Twice: a message may come again.
            await ledger.SendAsync(page);
            asked = await ledger.AskedAsync(LedgerReporter.Orchestrator);
            Assert.Equal(page.NextCursor, asked.Cursor);
            await ledger.SendAsync(page);
            asked = await ledger.AskedAsync(LedgerReporter.Orchestrator);
        }

        await ledger.SendAsync(Report(asked, LedgerReporter.Orchestrator));
    }

    public async Task ReportOfAggregatorAsync(AccountantHost ledger)
    {
        var asked = await ledger.AskedAsync(LedgerReporter.Aggregator);
        await ledger.SendAsync(Report(asked, LedgerReporter.Aggregator) with { KnownSince = null, Receipts = [.. _commits.Where(receipt => receipt.Sequence > asked.AfterSequence)] });
    }

    private LedgerReport Report(ReconcileLedger asked, string service) => new()
    {
        Quarantine = asked.Quarantine,
        Service = service,
        NextCursor = null,
        KnownSince = KnownSince,
        RunId = null,
        RoundId = null,
        Round = null,
        Attempt = null,
        Clients = [],
        Receipts = [],
    };
}
