using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Events;

namespace FlEvents.Standalone.Replay;

/// <summary>
/// A run as its log tells it, record by record. It believes no record that does not follow from those before it: what the log holds is a subset of what the
/// services do, so the rules here are those of docs/round-protocol.md that can be told from outside.
/// </summary>
public sealed class RunHistory
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true };
    private readonly List<RoundHistory> _rounds = [];
    private long _lastReceipt;
    private long _fewestEntries;

    /// <summary>What was run; null before the first record.</summary>
    public CreateModel? Created { get; private set; }

    /// <summary>The initial model; null where the Aggregator could not serve the run.</summary>
    public ModelPublished? Initial { get; private set; }

    /// <summary>Sequence of the record that tells of the initial model.</summary>
    public long InitialAt { get; private set; }

    public IReadOnlyList<RoundHistory> Rounds => _rounds;

    public IEnumerable<RoundHistory> AggregatedRounds => _rounds.Where(round => round.Aggregated is not null);

    /// <summary>How the run ended; null where the log does not tell.</summary>
    public RunCompleted? Ended { get; private set; }

    /// <summary>The newest model; null before the first.</summary>
    public BlobRef? Model => AggregatedRounds.LastOrDefault()?.Aggregated!.Model ?? Initial?.Model;

    /// <summary>Takes the next record in.</summary>
    /// <returns>Why it can't be the next; null when it can.</returns>
    public string? On(EventRecord record)
    {
        if (Decode(record) is not { } message || EventLog.EventOf(message) is not { } told)
        {
            return $"its body is no {record.Type} that a log holds";
        }

        if (Created is null || message is CreateModel)
        {
            return OnCreated(message as CreateModel);
        }

        return told.RunId == Created.RunId ? On(message, record.Sequence) : $"it is of run {told.RunId}, the log of run {Created.RunId}";
    }

    /// <summary>The first record that counts more than the log tells, once all records are in.</summary>
    public ReplayFault? Unfinished() => AggregatedRounds
        .Where(round => round.Aggregated!.UpdatesAdmitted != round.Updates.Count)
        .Select(round => ReplayFault.At(
            round.EndedAt, nameof(RoundAggregated), $"round {round.Number} is made of {round.Aggregated!.UpdatesAdmitted} updates, and the log tells of {round.Updates.Count}"))
        .FirstOrDefault();

    private static object? Decode(EventRecord record)
    {
        try
        {
            var type = typeof(BlobRef).Assembly.GetType($"{typeof(BlobRef).Namespace}.{record.Type}");
            return type is null ? null : JsonSerializer.Deserialize(record.Body, type, Json);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            return null;
        }
    }

    private string? OnCreated(CreateModel? message)
    {
        if (message is null || Created is not null)
        {
            return $"a log begins with {nameof(CreateModel)}, and has one";
        }

        Created = message;
        return null;
    }

    private string? On(object message, long sequence) => message switch
    {
        ModelPublished model => Initial is null && Ended is null ? OnInitial(model, sequence) : "the initial model was told before",
        ModelRefused => Initial is null ? null : "the initial model was told before",
        ReserveBudget page => On(page),
        BudgetReserved page => Answer(page.Round, page.ClientIds, isCharged: true),
        BudgetRefused page => Answer(page.Round, page.Refused.Select(refusal => refusal.ClientId), isCharged: false),
        RefundBudget refund => On(refund),
        RoundStarted started => On(started),
        UpdateAdmitted update => On(update, sequence),
        UpdateRejected update => TaskOf(update.Round, update.ClientId) is null && !MayBeLate ? NoTask(update.Round, update.ClientId) : null,
        RoundAggregated aggregated => On(aggregated, sequence),
        RoundAbandoned abandoned => End(abandoned.Round, sequence),
        RunCompleted completed => On(completed),
        _ => throw new InvalidOperationException($"{message.GetType().Name} is in no log."),
    };

    private string? OnInitial(ModelPublished model, long sequence)
    {
        (Initial, InitialAt) = (model, sequence);
        return null;
    }

    private string? On(ReserveBudget page)
    {
        var last = _rounds.LastOrDefault();
        var isFurther = last is { Started: null, IsEnded: false } && page.Round == last.Number;
        if (!isFurther && (Initial is null || Ended is not null || last is { IsEnded: false } || page.Round != _rounds.Count + 1))
        {
            return $"no cohort of round {page.Round} can be drawn here: {(last is null ? "there was no round" : $"round {last.Number} {(last.IsEnded ? "is over" : "is open")}")}";
        }

        var round = isFurther ? last! : new RoundHistory(page.Round);
        foreach (var request in page.Clients)
        {
            if (!round.Tasks.TryAdd(request.ClientId, new TaskHistory(page, request)))
            {
                return $"{request.ClientId} is in round {page.Round} twice";
            }

            if (!PlannedCharges.AreOf(Created!.Run, page.Round, request.Charges))
            {
                return $"what {request.ClientId} is to be charged is not what the run's privacy asks for in round {page.Round}";
            }
        }

        if (!isFurther)
        {
            _rounds.Add(round);
        }

        return null;
    }

    // An answer that comes again, after a refund perhaps, changes nothing: the first one counted.
    private string? Answer(int number, IEnumerable<string> clientIds, bool isCharged)
    {
        foreach (var clientId in clientIds)
        {
            if (TaskOf(number, clientId) is not { } task)
            {
                return NoTask(number, clientId);
            }

            task.IsCharged ??= isCharged;
        }

        return null;
    }

    private string? On(RefundBudget refund)
    {
        if (TaskOf(refund.Round, refund.ClientId) is not { IsCharged: true, IsRefunded: false, Update: null } task || task.ReservationId != refund.ReservationId)
        {
            return $"{refund.ClientId} has no charge of round {refund.Round} to be given back";
        }

        task.IsRefunded = true;
        return null;
    }

    private string? On(RoundStarted started)
    {
        // A round in which late updates alone count asks the ledger for nothing.
        if (MayBeLate && started.Round == _rounds.Count + 1 && Initial is not null && Ended is null && _rounds is [.., { IsEnded: true }])
        {
            _rounds.Add(new RoundHistory(started.Round));
        }

        if (RoundOf(started.Round) is not { Started: null, IsEnded: false } round)
        {
            return $"no cohort of round {started.Round} waits to start";
        }

        // Clients whose late updates will count are in the round beside those that were charged for it.
        var charged = round.Charged.Count();
        if (round.Tasks.Values.Any(task => task.IsCharged is null) || started.CohortSize < charged || (started.CohortSize > charged && !MayBeLate))
        {
            return $"{started.CohortSize} clients start round {started.Round}, and the ledger has charged {charged} of {round.Tasks.Count}";
        }

        if (started.BaseModel != Model)
        {
            return $"round {started.Round} starts from model {started.BaseModel.Sha256}, and the newest is {Model?.Sha256}";
        }

        round.Started = started;
        return null;
    }

    private bool MayBeLate => Created!.Run.Aggregation.LateRounds > 0;

    private string? On(UpdateAdmitted update, long sequence)
    {
        if (update.RoundsLate < 0 || update.RoundsLate > Created!.Run.Aggregation.LateRounds)
        {
            return $"an update may be 0 to {Created!.Run.Aggregation.LateRounds} rounds late, not {update.RoundsLate}";
        }

        var made = update.Round - update.RoundsLate;
        if (TaskOf(made, update.ClientId) is not { IsCharged: true, IsRefunded: false, Update: null } task || RoundOf(update.Round)?.Started is null)
        {
            return $"{update.ClientId} has no charged task without an update in round {made}";
        }

        if (update.RoundsLate > 0 && (RoundOf(made)!.Aggregated is null || RoundOf(update.Round)!.Tasks.ContainsKey(update.ClientId)))
        {
            return $"an update of {update.ClientId} from round {made} can't count in round {update.Round}";
        }

        if (update.ReservationId != task.ReservationId)
        {
            return $"reservation {update.ReservationId} is not {task.ReservationId}, which {update.ClientId} has in round {made}";
        }

        if (Created!.Run.Privacy.HasCentral != update.UpdateSha256 is null)
        {
            return update.UpdateSha256 is null ? "it does not name its update" : "it names an update that nothing has noised";
        }

        (task.Update, task.UpdateAt) = (update, sequence);
        RoundOf(update.Round)!.Updates[update.ClientId] = task;
        return null;
    }

    private string? On(RoundAggregated aggregated, long sequence)
    {
        if (RoundOf(aggregated.Round) is not { Started: not null } round)
        {
            return $"round {aggregated.Round} has not started";
        }

        // Two entries for the charge of each task, one in each unit, and two more that made it final before the receipt was written. A round of late updates
        // alone adds none: its receipt may be the one before it.
        var fewest = Math.Max(_fewestEntries + (4 * round.Charged.LongCount()), _lastReceipt);
        if (!round.IsEnded && aggregated.Receipt.Sequence < fewest)
        {
            return $"its receipt names entry {aggregated.Receipt.Sequence} of the ledger, which has at least {fewest} by then";
        }

        if (End(aggregated.Round, sequence) is { } fault)
        {
            return fault;
        }

        round.Aggregated = aggregated;
        _fewestEntries += 2 * round.Charged.LongCount();
        _lastReceipt = aggregated.Receipt.Sequence;
        return null;
    }

    private string? End(int number, long sequence)
    {
        if (RoundOf(number) is not { IsEnded: false } round)
        {
            return $"round {number} is not open";
        }

        (round.IsEnded, round.EndedAt) = (true, sequence);
        _fewestEntries += 2 * round.Charged.LongCount();
        return null;
    }

    private string? On(RunCompleted completed)
    {
        if (Ended is not null || _rounds.Any(round => !round.IsEnded))
        {
            return $"the run can't end here: {(Ended is null ? $"round {_rounds[^1].Number} is open" : "it has ended")}";
        }

        var last = AggregatedRounds.LastOrDefault()?.Aggregated!.Model;
        if (completed.Model != last)
        {
            return $"the run ends with model {completed.Model?.Sha256 ?? "none"}, and its last round made {last?.Sha256 ?? "none"}";
        }

        if (completed.Outcome == RunOutcome.Completed && _rounds.Count != Created!.Run.Rounds)
        {
            return $"the run is completed after {_rounds.Count} of {Created.Run.Rounds} rounds";
        }

        Ended = completed;
        return null;
    }

    private RoundHistory? RoundOf(int number) => number >= 1 && number <= _rounds.Count ? _rounds[number - 1] : null;

    private TaskHistory? TaskOf(int number, string clientId) => RoundOf(number)?.Tasks.GetValueOrDefault(clientId);

    private static string NoTask(int number, string clientId) => $"{clientId} is not in the cohort of round {number}";
}
