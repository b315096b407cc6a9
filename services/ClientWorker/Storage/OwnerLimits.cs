using System.Globalization;
using System.Text.Json;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ClientWorker.Storage;

/// <summary>
/// The owner's own books and veto: every accepted task is noted with what it costs by the worker's own reckoning, and one that does not fit the
/// owner's limit is refused before anything is read, whatever the server charged.
/// </summary>
/// <param name="limits">Limits by unit, for each client's part of each data set; none where absent.</param>
public sealed class OwnerLimits(IReadOnlyDictionary<PrivacyUnit, BudgetTerms> limits)
{
    // For the order of books that no limit has fixed.
    private static readonly BudgetTerms Assumed = new() { Epsilon = 8, Delta = 1e-5 };

    private const string CountOfReservation = "select count(*) from releases where reservation_id = @ReservationId";

    private const string SelectSpent = """
        select coalesce(sum(cast(charge as integer)) filter (where charge <> 'unbounded'), 0) as Spent, max(alpha) as Alpha from releases
        where client_id = @ClientId and data_set = @DataSet and unit = @Unit
        """;

    private const string InsertOne = """
        insert into releases (reservation_id, unit, client_id, data_set, run_id, round, event, charge, alpha, accepted_at)
        values (@ReservationId, @Unit, @ClientId, @DataSet, @RunId, @Round, @Event, @Charge, @Alpha, @AcceptedAt)
        """;

    /// <summary>Notes a task that is about to be accepted, once for its reservation, or says why it must not be.</summary>
    /// <returns>The veto; null when the task is in the books.</returns>
    public TaskEnd? Enter(Transaction transaction, TrainClient command)
    {
        if (transaction.Scalar<int>(CountOfReservation, new { command.ReservationId }) > 0)
        {
            return null;
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
        var alpha = books.Alpha ?? Pricing.OrderOf(limit ?? Assumed, charged);
        var text = Pricing.TextOf(charged, alpha);
        var release = new Release
        {
            ReservationId = command.ReservationId,
            Unit = unit,
            ClientId = command.ClientId,
            DataSet = command.Data.DataSet,
            RunId = command.RunId,
            Round = command.Round,
            Event = JsonSerializer.Serialize(charge, JsonSerializerOptions.Web),
            Charge = text,
            Alpha = text == Pricing.Unbounded ? null : alpha,
            AcceptedAt = transaction.Now,
        };
        return (release, limit is null ? null : Veto(unit, limit, alpha, Pricing.UnitsOf(text), books.Spent));
    }

    private static string? Veto(string unit, BudgetTerms limit, double alpha, long? units, long spent)
    {
        var capacity = limit.CapacityAt(alpha);
        return units <= capacity - spent ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"The owner's limit in the unit {unit} is ε = {limit.Epsilon} at δ = {limit.Delta}: {spent} of {capacity} units are spent, the task takes {units?.ToString(CultureInfo.InvariantCulture) ?? Pricing.Unbounded}.");
    }

    private sealed record Books
    {
        public long Spent { get; init; }
        public double? Alpha { get; init; }
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
        public required DateTimeOffset AcceptedAt { get; init; }
    }
}
