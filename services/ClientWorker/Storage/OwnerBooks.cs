using System.Globalization;
using System.Text.Json;
using FlEvents.ClientWorker.Policy;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ClientWorker.Storage;

/// <summary>
/// The owner's own books and veto: every accepted task is noted with what it costs by the worker's own reckoning, and one that the owner's policy does not
/// allow is refused before anything is read, whatever the server says and charges.
/// </summary>
/// <param name="countedRestores">Backups that the books were restored from and whose gap the owner has taken into account in the policy.</param>
public sealed class OwnerBooks(PolicyFile file, IReadOnlyCollection<Guid>? countedRestores = null)
{
    private const string CountOfReservation = "select count(*) from releases where reservation_id = @ReservationId";

    private const string SelectSpent = """
        select coalesce(sum(cast(charge as integer)) filter (where charge <> 'unbounded'), 0) as Spent, max(alpha) as Alpha, max(measure) as Measure from releases
        where client_id = @ClientId and data_set = @DataSet and unit = @Unit
        """;

    private const string InsertOne = """
        insert into releases (reservation_id, unit, client_id, data_set, run_id, round, event, charge, alpha, measure, accepted_at)
        values (@ReservationId, @Unit, @ClientId, @DataSet, @RunId, @Round, @Event, @Charge, @Alpha, @Measure, @AcceptedAt)
        """;

    /// <summary>Why the owner does not allow a task now; null when the policy does.</summary>
    public TaskEnd? Veto(Transaction transaction, TrainClient command)
    {
        var (policy, fault) = file.Current();
        if (policy is null)
        {
            return fault;
        }

        // A task that is in the books is not entered again, so it spends nothing more.
        return PolicyRules.Veto(policy, command, transaction.Now)
            ?? Traffic(transaction, policy.BytesPerDay, SentBytes(command), command.BaseModel.SizeBytes)
            ?? (IsEntered(transaction, command) ? null : Spending(transaction, command, policy));
    }

    /// <summary>Why the owner does not allow an evaluation now; null when the policy does.</summary>
    public TaskEnd? Veto(Transaction transaction, EvaluateModel command)
    {
        var (policy, fault) = file.Current();
        return policy is null ? fault
            : PolicyRules.Veto(policy, command) ?? Traffic(transaction, policy.BytesPerDay, sent: 0, command.Model.SizeBytes);
    }

    /// <summary>Notes a task that is about to be accepted, once for its reservation, or says why it must not be.</summary>
    /// <returns>The veto; null when the task is in the books.</returns>
    public TaskEnd? Enter(Transaction transaction, TrainClient command)
    {
        if (Veto(transaction, command) is { } veto)
        {
            return veto;
        }

        if (!IsEntered(transaction, command))
        {
            foreach (var charge in OwnCharges.Of(command))
            {
                transaction.Execute(InsertOne, Priced(transaction, command, charge, file.Current().Policy?.Privacy?.Of(charge.Unit)?.InAll).Release);
            }
        }

        return null;
    }

    /// <summary>Bytes of a task's update: a file of the model that the worker itself builds.</summary>
    public static long SentBytes(TrainClient command)
    {
        try
        {
            return SafetensorsWriter.FileLength(Model.Create(command.Model).Layout);
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            // Of a model that can't be built there is no update.
            return 0;
        }
    }

    private static bool IsEntered(Transaction transaction, TrainClient command) => transaction.Scalar<int>(CountOfReservation, new { command.ReservationId }) > 0;

    private const string SelectTraffic = """
        select coalesce(sum(sent), 0) as Sent, coalesce(sum(received), 0) as Received from
        (
            select sum(sent_bytes) as sent, sum(received_bytes) as received from tasks where accepted_at >= @from and accepted_at < @to
            union all
            select 0, sum(received_bytes) from evaluations where submitted_at >= @from and submitted_at < @to
        )
        """;

    private static TaskEnd? Traffic(Transaction transaction, DailyBytes? most, long sent, long received)
    {
        if (most is null)
        {
            return null;
        }

        var day = new DateTimeOffset(transaction.Now.UtcDateTime.Date, TimeSpan.Zero);
        var moved = transaction.QuerySingleOrDefault<Moved>(SelectTraffic, new { from = day, to = day.AddDays(1) })!;
        return Over(PolicyRule.BytesSent, "send", most.Sent, moved.Sent, sent) ?? Over(PolicyRule.BytesReceived, "receive", most.Received, moved.Received, received);
    }

    private static TaskEnd? Over(string rule, string verb, long? most, long moved, long more) => most is { } limit && more > 0 && more > limit - moved
        ? PolicyRule.Broken(rule, $"The worker may {verb} {limit} bytes a UTC day; {moved} of today's are taken, this takes {more}.")
        : null;

    private TaskEnd? Spending(Transaction transaction, TrainClient command, OwnerPolicy policy)
    {
        if (policy.Privacy is not { HasLimit: true } privacy)
        {
            return null;
        }

        if (Restoration.All(transaction).Except(countedRestores ?? []).FirstOrDefault() is var uncounted && uncounted != Guid.Empty)
        {
            return PolicyRule.Broken(
                PolicyRule.Restored,
                $"The owner's books were restored from backup {uncounted} and lack what was released since: expected the owner to count it and to name the backup in CountedRestores.");
        }

        return (from charge in OwnCharges.Of(command)
                let limit = privacy.Of(charge.Unit)?.InAll
                where limit is not null
                select Priced(transaction, command, charge, limit).Veto).FirstOrDefault(veto => veto is not null) is { } detail
            ? PolicyRule.Broken(PolicyRule.InAll, detail)
            : null;
    }

    private static (Release Release, string? Veto) Priced(Transaction transaction, TrainClient command, PrivacyCharge charge, BudgetTerms? limit)
    {
        var unit = JsonNamingPolicy.CamelCase.ConvertName(charge.Unit.ToString());
        var books = transaction.QuerySingleOrDefault<Books>(SelectSpent, new { command.ClientId, command.Data.DataSet, Unit = unit })!;
        var charged = Pricing.EventOf(charge);
        var measure = PrivacyMeasure.Of(books.Measure, books.Alpha) ?? Pricing.MeasureOf(limit ?? BudgetTerms.Assumed, charged);
        var taken = Pricing.ChargeOf(charged, measure);
        var release = new Release
        {
            ReservationId = command.ReservationId,
            Unit = unit,
            ClientId = command.ClientId,
            DataSet = command.Data.DataSet,
            RunId = command.RunId,
            Round = command.Round,
            Event = JsonSerializer.Serialize(charge, JsonSerializerOptions.Web),
            Charge = Pricing.TextOf(taken),
            Alpha = taken.IsUnbounded ? null : measure.Order,
            Measure = taken.IsUnbounded ? null : measure.Word,
            AcceptedAt = transaction.Now,
        };
        return (release, limit is null ? null : Veto(unit, limit, measure, taken, books.Spent));
    }

    private static string? Veto(string unit, BudgetTerms limit, PrivacyMeasure measure, BudgetCharge taken, long spent)
    {
        if (!limit.IsIn(measure))
        {
            return $"The owner's limit in the unit {unit} is {limit}, which does not count what the data was charged so far, in {measure}.";
        }

        var budget = limit.In(measure);
        return budget.Admits(spent, taken) ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"The owner's limit in the unit {unit} is {limit}: {spent} of {budget.Capacity} units are spent, the task takes {Pricing.TextOf(taken)}.");
    }

    private sealed record Moved
    {
        public long Sent { get; init; }
        public long Received { get; init; }
    }

    private sealed record Books
    {
        public long Spent { get; init; }
        public double? Alpha { get; init; }
        public string? Measure { get; init; }
    }

    private sealed record Release
    {
        public required Guid ReservationId { get; init; }
        public required string Unit { get; init; }
        public required string ClientId { get; init; }
        public required string DataSet { get; init; }
        public required Guid RunId { get; init; }
        public required int Round { get; init; }
        public required string Event { get; init; }
        public required string Charge { get; init; }
        public required double? Alpha { get; init; }
        public required string? Measure { get; init; }
        public required DateTimeOffset AcceptedAt { get; init; }
    }
}
