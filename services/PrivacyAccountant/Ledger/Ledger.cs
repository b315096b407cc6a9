using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>
/// The privacy ledger's protocol. A reservation is made once and becomes committed or refunded once; whatever arrives again writes nothing and
/// gets the answer it got before.
/// </summary>
public static class Ledger
{
    /// <summary>Charges the clients of a page, or refuses them one by one.</summary>
    public static LedgerDecision On(LedgerState state, ReserveBudget message, LedgerPolicy policy, DateTimeOffset now)
    {
        var draft = new Draft(state, now);
        var clientOfLedger = state.Reservations.Values.DistinctBy(met => met.LedgerId).ToDictionary(met => met.LedgerId, met => met.ClientId);
        var ledgers = new List<LedgerIdentity>();
        var reserved = new List<string>();
        var refused = new List<ClientRefusal>();
        foreach (var client in message.Clients)
        {
            var asked = Reservation.Asked(message, client);
            var known = asked.Select(reservation => state.Reservations.GetValueOrDefault(reservation.Key)).OfType<Reservation>().ToList();
            var offers = known.Count > 0 ? [] : asked.Zip(client.Charges, (reservation, charge) => Offer.Of(reservation, charge, draft, policy)).ToList();
            var refusal = known.Count > 0
                ? RefusalOfRepeat(known, asked)
                : RefusalOfNew(state, asked[0], clientOfLedger) ?? offers.Select(offer => offer.Refusal).FirstOrDefault(found => found is not null);
            if (refusal is not null)
            {
                refused.Add(refusal);
                continue;
            }

            reserved.Add(client.ClientId);
            if (known.Count == 0)
            {
                clientOfLedger[asked[0].LedgerId] = client.ClientId;
                ledgers.Add(client.Ledger);
                foreach (var offer in offers.Where(offer => offer.NewBudget is not null))
                {
                    draft.SetBudget(offer.Reservation.Account, offer.NewBudget!);
                }

                draft.AppendAll(EntryKind.Reserve, offers.Select(offer => offer.Reservation), reason: null);
            }
        }

        return draft.Decide(ledgers, Answers(message, reserved, refused, draft.Head));
    }

    /// <summary>
    /// Sets or changes a budget. The measure of an account's charges is kept: another order that the new terms ask for is left aside, and terms that no
    /// charge in the measure can count against are refused.
    /// </summary>
    /// <exception cref="OtherMeasureException">The account's charges are in another measure than the terms.</exception>
    public static LedgerDecision On(LedgerState state, LedgerIdentity ledger, PrivacyUnit unit, BudgetTerms terms, DateTimeOffset now)
    {
        var draft = new Draft(state, now);
        var key = new AccountKey(LedgerId.Of(ledger), unit);
        var kept = draft.AccountOf(key);
        if (kept.ConflictWith(terms) is { } conflict)
        {
            throw new OtherMeasureException(conflict);
        }

        var changed = kept.Measure is { } measure ? terms with { Alpha = measure.Order } : terms;
        if (changed != kept.Budget)
        {
            draft.SetBudget(key, changed);
        }

        return draft.Decide([ledger], []);
    }

    /// <summary>
    /// Makes every open charge of the round final, for the one model that the message names; a second time it only repeats the receipt, with the model of the
    /// first: whoever has made another one meanwhile is told so.
    /// </summary>
    public static LedgerDecision On(LedgerState state, CommitBudget message, DateTimeOffset now)
    {
        if (state.Commit is not null)
        {
            return new Draft(state, now).Decide([], [Answer(message, state.Commit)]);
        }

        var open = state.Reservations.Values
            .Where(reservation => reservation.State == ReservationState.Reserved)
            .OrderBy(reservation => reservation.ClientId, StringComparer.Ordinal)
            .ThenBy(reservation => reservation.Attempt)
            .ThenBy(reservation => reservation.Unit)
            .ToList();
        var draft = new Draft(state, now);
        draft.AppendAll(EntryKind.Commit, open, message.ModelSha256);
        var commit = new RoundCommit
        {
            RunId = message.RunId,
            Round = message.Round,
            Committed = open.DistinctBy(reservation => reservation.ReservationId).Count(),
            Receipt = draft.Head,
            ModelSha256 = message.ModelSha256,
        };
        return draft.Decide([], [Answer(message, commit), .. Spent(draft, open)], commit);
    }

    /// <summary>Gives back a charge that is still open; a final one, or one the message does not name rightly, stays as it is.</summary>
    public static LedgerDecision On(LedgerState state, RefundBudget message, DateTimeOffset now)
    {
        var named = state.Reservations.Values
            .Where(reservation => reservation.ReservationId == message.ReservationId && reservation.ClientId == message.ClientId
                && reservation.RunId == message.RunId && reservation.Round == message.Round && reservation.State == ReservationState.Reserved)
            .OrderBy(reservation => reservation.Unit);
        var draft = new Draft(state, now);
        draft.AppendAll(EntryKind.Refund, named, message.ReasonCode);
        return draft.Decide([], []);
    }

    /// <summary>Charges a further output of a task like its first, once for each hash, whatever the budget and whatever became of the round.</summary>
    public static LedgerDecision On(LedgerState state, ChargeOutput message, DateTimeOffset now)
    {
        var attempt = AttemptOf(message.UpdateSha256);
        var reservationId = ReservationId.Of(message.RunId, message.Round, message.ClientId, attempt);
        var further = state.Reservations.Values
            .Where(reservation => reservation.ReservationId == message.ReservationId && reservation.ClientId == message.ClientId
                && !state.Reservations.ContainsKey(new ReservationKey(reservationId, reservation.Unit)))
            .OrderBy(reservation => reservation.Unit)
            .Select(reservation => reservation with { ReservationId = reservationId, Attempt = attempt, State = ReservationState.Reserved })
            .ToList();
        var draft = new Draft(state, now);
        draft.AppendAll(EntryKind.Reserve, further, message.UpdateSha256);
        draft.AppendAll(EntryKind.Commit, further, message.UpdateSha256);
        return draft.Decide([], [.. Spent(draft, further)]);
    }

    // Above every attempt that is counted, and the same for the same bytes.
    private static int AttemptOf(string updateSha256) => 0x40000000 | (Convert.ToInt32(updateSha256[..8], 16) & 0x3FFFFFFF);

    // The reservation exists: the same request is answered again, another one under its id is not.
    private static ClientRefusal? RefusalOfRepeat(List<Reservation> known, IReadOnlyList<Reservation> asked)
    {
        var (clientId, reservationId) = (asked[0].ClientId, asked[0].ReservationId);
        // Not the charge: a later accountant may price the same event otherwise.
        if (known.Count != asked.Count || !known.Zip(asked).All(pair => pair.First with { State = pair.Second.State, Charge = pair.Second.Charge, Alpha = null, Measure = null } == pair.Second))
        {
            var detail = $"Reservation {reservationId} of {clientId} was made with another ledger or other charges; it is kept.";
            return Refuse(clientId, BudgetRefusalCode.Conflict, detail);
        }

        return known.Any(reservation => reservation.State == ReservationState.Refunded)
            ? Refuse(clientId, BudgetRefusalCode.Refunded, $"Reservation {reservationId} of {clientId} was refunded, which is final.")
            : null;
    }

    private static ClientRefusal? RefusalOfNew(LedgerState state, Reservation asked, Dictionary<Guid, string> clientOfLedger)
    {
        if (state.Commit is not null)
        {
            var detail = $"Round {asked.Round} was committed before {asked.ClientId} was charged for it.";
            return Refuse(asked.ClientId, BudgetRefusalCode.RoundCommitted, detail);
        }

        // Whatever became of the other's reservation: else a replayed message could find the ledger free again.
        if (clientOfLedger.TryGetValue(asked.LedgerId, out var other) && other != asked.ClientId)
        {
            var detail = $"Ledger {asked.LedgerId} of {asked.ClientId} is in round {asked.Round} already, by client {other}.";
            return Refuse(asked.ClientId, BudgetRefusalCode.OwnerAlreadyInRound, detail);
        }

        return null;
    }

    private static ClientRefusal Refuse(string clientId, string reasonCode, string detail) =>
        new() { ClientId = clientId, ReasonCode = reasonCode, Detail = detail };

    private static List<object> Answers(ReserveBudget message, List<string> reserved, List<ClientRefusal> refused, LedgerReceipt head)
    {
        var answers = new List<object>();
        if (reserved.Count > 0)
        {
            answers.Add(new BudgetReserved
            {
                RunId = message.RunId,
                RoundId = message.RoundId,
                Round = message.Round,
                Attempt = message.Attempt,
                ClientIds = reserved,
                Receipt = head,
            });
        }

        if (refused.Count > 0)
        {
            answers.Add(new BudgetRefused
            {
                RunId = message.RunId,
                RoundId = message.RoundId,
                Round = message.Round,
                Attempt = message.Attempt,
                Refused = refused,
            });
        }

        return answers;
    }

    private static BudgetCommitted Answer(CommitBudget message, RoundCommit commit) => new()
    {
        RunId = message.RunId,
        RoundId = message.RoundId,
        Round = message.Round,
        Committed = commit.Committed,
        Receipt = commit.Receipt,
        ModelSha256 = commit.ModelSha256,
    };

    /// <summary>
    /// What clients' data has spent after charges became final. A client that nothing was noised for is left out: a run without privacy would send as many
    /// messages as it has tasks, each to say what its mode says.
    /// </summary>
    private static IEnumerable<PrivacySpent> Spent(Draft draft, IEnumerable<Reservation> committed) =>
        from reservation in committed
        group reservation by (reservation.RunId, reservation.Round, reservation.ClientId, reservation.LedgerId) into client
        where client.Any(reservation => reservation.CountedIn is not null)
        select new PrivacySpent
        {
            RunId = client.Key.RunId,
            Round = client.Key.Round,
            ClientId = client.Key.ClientId,
            LedgerId = client.Key.LedgerId,
            Units = [.. Enum.GetValues<PrivacyUnit>().Select(unit => draft.AccountOf(new AccountKey(client.Key.LedgerId, unit)).SpendingIn(unit))],
        };

    /// <summary>Where an entry leaves its reservation.</summary>
    public static ReservationState StateAfter(EntryKind kind) => kind switch
    {
        EntryKind.Reserve => ReservationState.Reserved,
        EntryKind.Commit => ReservationState.Committed,
        EntryKind.Refund => ReservationState.Refunded,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Expected reserve, commit or refund."),
    };
}

/// <summary>A budget was asked for that can't count an account's charges. The message names both measures.</summary>
public sealed class OtherMeasureException(string message) : Exception(message);
