using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Events;

/// <summary>
/// Writes what happens to a run into its log, in the transaction that makes it happen: a crash can neither lose a record nor repeat one. A log begins with
/// <see cref="CreateModel"/>; a run that was created before there were logs has none.
/// </summary>
public static class EventLog
{
    /// <summary>Appends a message that the Orchestrator sends or takes in, if the log tells of its kind and has not told of it yet.</summary>
    public static void Append(Transaction transaction, object message)
    {
        if (EventOf(message) is not { } told)
        {
            return;
        }

        var (head, isKnown) = EventStore.Head(transaction, told);
        if (!isKnown && (head.Sequence > 0 || told.Message is CreateModel))
        {
            EventStore.Insert(transaction, told, EventChain.Append(head, told.Type, told.Body(), told.IsOfClients ? null : transaction.Now));
        }
    }

    /// <summary>What the log tells of a message, and what makes it one of its kind; null for a message that it does not hold.</summary>
    /// <remarks>
    /// A round's model comes with RoundAggregated, so of models the initial one alone. What a client was told of an update that answers no task changes
    /// nothing. Absent are the fields that are absent in a private run (docs/privacy.md), in every mode; and the sentence of a rejection, which may name the
    /// hash of an update that nothing has noised.
    /// </remarks>
    public static LoggedEvent? EventOf(object message) => message switch
    {
        CreateModel created => new(created.RunId, 0, "", created),
        ModelPublished { Version: 0 } model => new(model.RunId, 0, "", model),
        ModelRefused refused => new(refused.RunId, 0, "", refused),
        ReserveBudget { Clients: [var first, ..] } page => new(page.RunId, page.Round, first.ClientId, page),
        BudgetReserved { ClientIds: [var first, ..] } page => new(page.RunId, page.Round, first, page),
        BudgetRefused { Refused: [var first, ..] } page => new(page.RunId, page.Round, first.ClientId, page),
        RefundBudget refund => new(refund.RunId, refund.Round, refund.ClientId, refund),
        RoundStarted round => new(round.RunId, round.Round, "", round),
        UpdateAdmitted update => new(update.RunId, update.Round, update.ClientId, update with { TrainingLoss = null, TrainingSeconds = null }),
        UpdateRejected { IsFinal: true } update => new(update.RunId, update.Round, update.ClientId, update with { Detail = "" }),
        RoundAggregated round => new(round.RunId, round.Round, "", round),
        RoundAbandoned round => new(round.RunId, round.Round, "", round),
        RunCompleted run => new(run.RunId, 0, "", run),
        _ => null,
    };
}

/// <summary>A message as a log holds it.</summary>
/// <param name="Round">From 1; 0 for what is of the run itself.</param>
/// <param name="Subject">The client, or the first of a page; empty for what there is one of in a round.</param>
public record LoggedEvent(Guid RunId, int Round, string Subject, object Message)
{
    public string Type => Message.GetType().Name;

    public bool IsOfClients => Subject.Length > 0;

    public string Body() => JsonSerializer.Serialize(Message, Message.GetType(), RunStore.Json);
}
