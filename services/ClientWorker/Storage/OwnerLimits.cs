using System.Globalization;
using System.Text.Json;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ClientWorker.Storage;

/// <summary>
/// The owner's own books and veto: every accepted task is noted with what it costs by the worker's own reckoning, and one that does not fit the
/// owner's limit is refused before anything is read, whatever the server charged.
/// </summary>
/// <param name="limits">Limits by unit, for each client's part of each data set; none where absent.</param>
/// <param name="countedRestores">Backups that the books were restored from and whose gap the owner has taken into account in the limits.</param>
public sealed class OwnerLimits(IReadOnlyDictionary<PrivacyUnit, BudgetTerms> limits, IReadOnlyCollection<Guid>? countedRestores = null)
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

    /// <summary>Notes a task that is about to be accepted, once for its reservation, or says why it must not be.</summary>
    /// <returns>The veto; null when the task is in the books.</returns>
    public TaskEnd? Enter(Transaction transaction, TrainClient command)
    {
        if (transaction.Scalar<int>(CountOfReservation, new { command.ReservationId }) > 0)
        {
            return null;
        }

        if (limits.Count > 0 && Restoration.All(transaction).Except(countedRestores ?? []).FirstOrDefault() is var uncounted && uncounted != Guid.Empty)
        {
            return new TaskEnd(
                RefusalCode.OwnerLimit,
                $"The owner's books were restored from backup {uncounted} and lack what was released since: expected the owner to count it and to name the backup in CountedRestores.");
        }

        var rows = OwnCharges.Of(command).Select(charge => Priced(transaction, command, charge)).ToList();
        if (rows.Select(row => row.Veto).FirstOrDefault(veto => veto is not null) is { } refusal)
        {
            return new TaskEnd(RefusalCode.OwnerLimit, refusal);
        }

        rows.ForEach(row => transaction.Execute(InsertOne, row.Release));
        return null;
    }

    private (Release Release, string? Veto) Priced(Transaction transaction, TrainClient command, PrivacyCharge charge)
    {
        var (unit, limit) = (JsonNamingPolicy.CamelCase.ConvertName(charge.Unit.ToString()), limits.GetValueOrDefault(charge.Unit));
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
