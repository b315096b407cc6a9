using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>One charge of one client in one round and unit, and where it stands.</summary>
public record Reservation
{
    // Absent members are left out: a mechanism's later parameter does not change the text of the charges made before it.
    private static readonly JsonSerializerOptions EventJson = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public required Guid ReservationId { get; init; }
    public required PrivacyUnit Unit { get; init; }
    public required Guid LedgerId { get; init; }
    public required Guid RunId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required int Attempt { get; init; }

    /// <summary>The charge as the plan stated it: <see cref="PrivacyCharge"/> as JSON.</summary>
    public required string Event { get; init; }

    /// <summary>What the event takes from a budget: units of 10⁻⁹ of its measure, or <see cref="Pricing.Unbounded"/>.</summary>
    public required string Charge { get; init; }

    /// <summary>Rényi order of the charge; null where it has none.</summary>
    public required double? Alpha { get; init; }

    /// <summary><see cref="PrivacyMeasure.Word"/> of the charge; null where it has none.</summary>
    public string? Measure { get; init; }

    public required ReservationState State { get; init; }

    public ReservationKey Key => new(ReservationId, Unit);

    /// <summary>What a message asks for one of its clients, not priced yet: a reservation per charge, in the message's order.</summary>
    public static IReadOnlyList<Reservation> Asked(ReserveBudget message, ReservationRequest client)
    {
        var reservationId = Contracts.ReservationId.Of(message.RunId, message.Round, client.ClientId, message.Attempt);
        var ledgerId = PrivacyAccountant.LedgerId.Of(client.Ledger);
        return client.Charges.Select(charge => new Reservation
        {
            ReservationId = reservationId,
            Unit = charge.Unit,
            LedgerId = ledgerId,
            RunId = message.RunId,
            Round = message.Round,
            ClientId = client.ClientId,
            Attempt = message.Attempt,
            Event = Json(charge),
            Charge = Pricing.Unbounded,
            Alpha = null,
            State = ReservationState.Reserved,
        }).ToList();
    }

    /// <summary>The reservation with what it takes.</summary>
    internal Reservation Priced(BudgetCharge taken, PrivacyMeasure measure) =>
        this with { Charge = Pricing.TextOf(taken), Alpha = taken.IsUnbounded ? null : measure.Order, Measure = taken.IsUnbounded ? null : measure.Word };

    /// <summary>What the charge is counted in; null when it is unbounded.</summary>
    internal PrivacyMeasure? CountedIn => PrivacyMeasure.Of(Measure, Alpha);

    /// <summary>The text of a charge or of a budget, which hashes are taken over.</summary>
    internal static string Json<T>(T value) => JsonSerializer.Serialize(value, EventJson);

    /// <summary>The charge or the budget of an entry.</summary>
    internal static T Read<T>(string text) => JsonSerializer.Deserialize<T>(text, EventJson)!;

    /// <summary>The account that pays.</summary>
    public AccountKey Account => new(LedgerId, Unit);
}

/// <summary>What makes a reservation unique: a client's task in a round, and the unit it is charged in.</summary>
public readonly record struct ReservationKey(Guid ReservationId, PrivacyUnit Unit);

/// <summary>Where a reservation stands. The last two are final.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<ReservationState>))]
public enum ReservationState
{
    Reserved,
    Committed,
    Refunded,
}
