using System.Text.Json;
using FlEvents.Aggregator.Rounds;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Explorer.Tests.Moves;
using FlEvents.Explorer.Tests.Services;
using FlEvents.Explorer.Tests.Worlds;
using FlEvents.PrivacyAccountant;

namespace FlEvents.Explorer.Tests;

/// <summary>
/// What must hold in every world (docs/reliability.md says it in words). Each function names the parts it looks at, and is asked once for each
/// combination of them. What must hold from one set of rows to the next is in the parts themselves.
/// </summary>
internal sealed class Invariants(Transitions transitions)
{
    private readonly HashSet<(int Invariant, int First, int Second, int Third)> _held = [];

    /// <summary>What does not hold; null when everything does.</summary>
    public string? Defect(World world) =>
        Once(0, world.Accountant, 0, 0, w => LedgerDefect(AccountantOf(w)), world)
        ?? Once(1, world.Aggregator, 0, 0, w => BookDefect(AggregatorOf(w)), world)
        ?? Once(2, world.Aggregator, world.Accountant, 0, w => ReleaseDefect(AggregatorOf(w), AccountantOf(w)), world)
        ?? Once(3, world.Aggregator, world.Accountant, 0, w => OutputDefect(AggregatorOf(w), AccountantOf(w)), world)
        ?? Once(4, world.WorkerA, world.Accountant, 0, w => NoiseDefect(transitions.Workers.Rows[w.WorkerA], AccountantOf(w)), world)
        ?? Once(4, world.WorkerB, world.Accountant, 0, w => NoiseDefect(transitions.Workers.Rows[w.WorkerB], AccountantOf(w)), world)
        ?? Once(5, world.WorkerA, world.Aggregator, 0, w => LossDefect(transitions.Workers.Rows[w.WorkerA], AggregatorOf(w)), world)
        ?? Once(5, world.WorkerB, world.Aggregator, 0, w => LossDefect(transitions.Workers.Rows[w.WorkerB], AggregatorOf(w)), world);

    /// <summary>What is left undone in a world where nothing but a fault can happen; null when nothing is.</summary>
    public string? Unfinished(World world)
    {
        var pending = transitions.Mail.Bags[world.Pending];
        var run = transitions.Orchestrator.Rows[world.Orchestrator].Runs.Values.FirstOrDefault(run => !run.IsFinal);
        var book = AggregatorOf(world).Books.Values.FirstOrDefault(book => book.State is not (BookState.Released or BookState.Abandoned));
        var open = AccountantOf(world).Reservations.FirstOrDefault(reservation => reservation.State == ReservationState.Reserved);
        return pending.Length > 0 ? $"message {transitions.Mail.Messages[pending[0]].Message} is not taken."
            : run is not null ? $"run {run.RunId} is {run.State}."
            : open is not null ? $"reservation {open.ReservationId} of {open.ClientId} is neither committed nor refunded."
            : book is not null ? $"book {book.RoundId} is {book.State}."
            : AggregatorOf(world).Unreleased.Count > 0 ? "a model that nobody may read was left behind."
            : null;
    }

    private AccountantRows AccountantOf(World world) => transitions.Accountant.Rows[world.Accountant];

    private AggregatorRows AggregatorOf(World world) => transitions.Aggregator.Rows[world.Aggregator];

    private string? Once(int invariant, int first, int second, int third, Func<World, string?> check, World world)
    {
        if (_held.Contains((invariant, first, second, third)))
        {
            return null;
        }

        var defect = check(world);
        if (defect is null)
        {
            _held.Add((invariant, first, second, third));
        }

        return defect;
    }

    // I2, I3 and I4: of the ledger alone.
    private static string? LedgerDefect(AccountantRows ledger)
    {
        var receipts = ledger.Rounds.Values.Select(round => round.Commit?.Receipt).OfType<LedgerReceipt>().Where(receipt => receipt.Sequence > 0);
        if (LedgerVerification.FirstFault(ledger.Entries, receipts) is { } fault)
        {
            return $"I4: entry {fault.Sequence}: {fault.Reason}.";
        }

        var reserved = ledger.Entries.Where(entry => entry.Kind == EntryKind.Reserve).ToList();
        var twice = reserved.CountBy(entry => (entry.RunId, entry.Round, entry.ClientId, entry.Attempt, entry.Unit)).FirstOrDefault(key => key.Value > 1);
        if (twice.Value > 1)
        {
            return $"I2: {twice.Key} is reserved {twice.Value} times.";
        }

        var shared = reserved.Where(entry => entry.Reason is null).CountBy(entry => (entry.RunId, entry.Round, entry.LedgerId, entry.Unit)).FirstOrDefault(key => key.Value > 1);
        return shared.Value > 1 ? $"I2: {shared.Key} is reserved for {shared.Value} clients." : BudgetDefect(ledger);
    }

    // After every admission; a further output is charged whatever the budget.
    private static string? BudgetDefect(AccountantRows ledger)
    {
        var spent = new Dictionary<AccountKey, long>();
        var budgets = new Dictionary<AccountKey, BudgetTerms>();
        foreach (var entry in ledger.Entries)
        {
            var account = entry.Account!.Value;
            if (entry.Kind == EntryKind.Budget)
            {
                budgets[account] = JsonSerializer.Deserialize<BudgetTerms>(entry.Event, JsonSerializerOptions.Web)!;
                continue;
            }

            var units = entry.Kind == EntryKind.Commit ? 0 : Pricing.UnitsOf(entry.Charge!);
            spent[account] = spent.GetValueOrDefault(account) + (entry.Kind == EntryKind.Refund ? -1 : 1) * (units ?? 0);
            var isAdmission = entry is { Kind: EntryKind.Reserve, Reason: null };
            if (isAdmission && budgets.GetValueOrDefault(account) is { } budget && (units is null || spent[account] > budget.In(budget.Measure!).Capacity))
            {
                return $"I3: entry {entry.Sequence} brings {account} to {spent[account]} units of {budget.In(budget.Measure!).Capacity}.";
            }
        }

        return null;
    }

    // I2: one row admits a client; its counters tell how often.
    private static string? BookDefect(AggregatorRows rows)
    {
        foreach (var book in rows.Books.Values)
        {
            var members = rows.Members.Values.Where(member => member.RoundId == book.RoundId || member.CarriedTo == book.RoundId).ToList();
            if (book.Members != members.Count || book.Admitted != rows.Manifest(book.RoundId).Count)
            {
                return $"I2: book {book.RoundId} counts {book.Members} members and {book.Admitted} admitted updates; its rows hold {members.Count} and {rows.Manifest(book.RoundId).Count}.";
            }

            if (rows.Manifest(book.RoundId).CountBy(member => member.UpdateSha256!).FirstOrDefault(update => update.Value > 1) is { Key: { } update })
            {
                return $"I6: update {update} is in the sum of round {book.RoundId} more than once.";
            }
        }

        return null;
    }

    // I1, I6 and I8: of every model that can be read, whoever has told of it, and of every one that was told of.
    private static string? ReleaseDefect(AggregatorRows rows, AccountantRows ledger)
    {
        foreach (var book in rows.Books.Values.Where(book => book.State == BookState.Released || (book.Result is { } model && rows.Readable.Contains(model.Sha256))))
        {
            var charges = ledger.Reservations.ToLookup(reservation => reservation.ReservationId);
            var contributors = rows.Manifest(book.RoundId);
            var free = contributors.FirstOrDefault(member => charges[member.ReservationId].Count(charge => charge.State == ReservationState.Committed) != Enum.GetValues<PrivacyUnit>().Length);
            if (free is not null)
            {
                return $"I1: model {book.Result!.Sha256} of round {book.Round} can be read, and {free.ClientId} is in it with the charges {Text(charges[free.ReservationId])}.";
            }

            if (rows.Runs[book.RunId].Privacy is { HasCentral: true, HasLocal: false, Central: { } central }
                && contributors.Any(member => !charges[member.ReservationId].All(charge => charge.Unit == PrivacyUnit.Example || NoiseOf(charge) <= PrivacyPlan.CentralNoiseMultiplier(central, book.Round))))
            {
                return $"I8: model {book.Result!.Sha256} of round {book.Round} has less noise than was charged.";
            }

            var ledgers = contributors.Select(member => charges[member.ReservationId].First().LedgerId).ToList();
            if (ledgers.Distinct().Count() != ledgers.Count)
            {
                return $"I6: a ledger is in model {book.Result!.Sha256} of round {book.Round} more than once.";
            }

            if (book.Receipt is { Sequence: > 0 } receipt && (receipt.Sequence > ledger.Entries.Count || ledger.Entries[(int)receipt.Sequence - 1].Hash != receipt.Hash))
            {
                return $"I1: the receipt of round {book.Round}, entry {receipt.Sequence}, is not in the ledger.";
            }
        }

        return rows.Readable.FirstOrDefault(model => rows.Books.Values.All(book => book.Result?.Sha256 != model)) is { } unnamed
            ? $"I1: model {unnamed} can be read, and no book names it."
            : null;
    }

    // I7 and I9: of everything that ever left a worker.
    private static string? OutputDefect(AggregatorRows rows, AccountantRows ledger)
    {
        foreach (var outputs in rows.Seen.GroupBy(output => output.ReservationId))
        {
            var charges = ledger.Reservations.Where(charge => charge.ReservationId == outputs.Key).ToList();
            if (charges.Count(charge => charge.State != ReservationState.Refunded) != Enum.GetValues<PrivacyUnit>().Length)
            {
                return $"I7: an update of reservation {outputs.Key} left its worker, and the charges are {Text(charges)}.";
            }

            if (outputs.Count() > 1)
            {
                return $"I9: {outputs.Count()} different updates of reservation {outputs.Key} left their workers.";
            }
        }

        return null;
    }

    // I8: what a worker that took the task will noise costs no more than what was charged.
    private string? NoiseDefect(WorkerRows rows, AccountantRows ledger)
    {
        foreach (var task in rows.Tasks.Values.Where(task => task.State != TaskState.Refused))
        {
            foreach (var own in OwnCharges.Of(task.Command))
            {
                var charge = ledger.Reservations.SingleOrDefault(reservation => reservation.ReservationId == task.Command.ReservationId && reservation.Unit == own.Unit);
                if (charge is null || !Covers(JsonSerializer.Deserialize<PrivacyCharge>(charge.Event, JsonSerializerOptions.Web)!, own))
                {
                    return $"I8: task {task.Command.ReservationId} costs {own} and is charged {charge?.Event ?? "nothing"}.";
                }
            }
        }

        return null;
    }

    // What the update store has said it has, it has until the round is final.
    private static string? LossDefect(WorkerRows worker, AggregatorRows rows)
    {
        foreach (var (id, task) in worker.Tasks.Where(task => task.Value.State == TaskState.Announced))
        {
            var book = rows.Books[rows.Members.Values.Single(member => member.ReservationId == id).RoundId];
            if (book.State is not (BookState.Released or BookState.Abandoned) && !rows.Updates.Contains(task.Result!.Update.Sha256))
            {
                return $"Lost: the worker of task {id} was told that its update is stored, and it is not.";
            }
        }

        return null;
    }

    private static double? NoiseOf(Reservation charge) => JsonSerializer.Deserialize<PrivacyCharge>(charge.Event, JsonSerializerOptions.Web)!.NoiseMultiplier;

    private static bool Covers(PrivacyCharge charged, PrivacyCharge own) =>
        charged.Mechanism == PrivacyMechanism.Unbounded
        || (charged.Mechanism == own.Mechanism && own.NoiseMultiplier >= charged.NoiseMultiplier && (own.Steps ?? 0) <= (charged.Steps ?? 0)
            && (own.SamplingProbability ?? 0) <= (charged.SamplingProbability ?? 0));

    private static string Text(IEnumerable<Reservation> charges) =>
        string.Join(", ", charges.Select(charge => $"{charge.Unit} {charge.State}").DefaultIfEmpty("none"));
}
