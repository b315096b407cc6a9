using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.PrivacyAccountant;

/// <summary>Reads what <see cref="LedgerMetrics"/> shows: a row for each account, none for each charge.</summary>
internal static class AccountGaugeStore
{
    private const string SelectUnits = """
        select ledger_id, unit, entries, reserved, committed, refunded, unbounded, spent, alpha, measure, epsilon, delta, rho from ledger_unit
        """;

    private const string SelectClients = "select c.client_id, c.ledger_id, l.data_set from ledger_client c join ledger l using (ledger_id) order by c.client_id, c.ledger_id";

    /// <summary>Every client's ledgers in both units, as far as they were charged.</summary>
    public static IReadOnlyList<AccountGauges> Read(Transaction transaction)
    {
        var units = transaction.Query<UnitRow>(SelectUnits).ToLookup(unit => unit.LedgerId);
        return
        [
            .. from client in transaction.Query<ClientRow>(SelectClients)
               from unit in units[client.LedgerId].OrderBy(unit => unit.Unit)
               select Of(client, unit),
        ];
    }

    private const string CountHeldMessages = "select count(*) from held_message";

    public static long CountHeld(Transaction transaction) => transaction.Scalar<long>(CountHeldMessages);

    private const string CountReservedCharges = "select coalesce(sum(reserved), 0) from ledger_unit";

    public static long CountReserved(Transaction transaction) => transaction.Scalar<long>(CountReservedCharges);

    private static AccountGauges Of(ClientRow client, UnitRow unit)
    {
        var account = unit.ToAccount();
        var budget = BudgetView.Of(account);
        var charges = unit.Reserved + unit.Committed - unit.Unbounded;
        return new AccountGauges
        {
            ClientId = client.ClientId,
            DataSet = client.DataSet,
            LedgerId = client.LedgerId,
            Unit = unit.Unit,
            IsUnbounded = account.Unbounded > 0,
            Budget = budget,
            Spent = budget?.SpentEpsilon ?? account.SpendingIn(unit.Unit).Epsilon,
            RoundsLeft = charges > 0 && account is { Budget: { } terms, Measure: { } measure }
                ? terms.In(measure).RoundsLeft(account.Spent, BudgetCharge.OfUnits((account.Spent + charges - 1) / charges))
                : null,
        };
    }

    private sealed record ClientRow
    {
        public required string ClientId { get; init; }
        public required Guid LedgerId { get; init; }
        public required string DataSet { get; init; }
    }
}

/// <summary>A client's ledger in one privacy unit.</summary>
internal sealed record AccountGauges
{
    public required string ClientId { get; init; }
    public required string DataSet { get; init; }
    public required Guid LedgerId { get; init; }
    public required PrivacyUnit Unit { get; init; }

    /// <summary>Whether a charge was unbounded.</summary>
    public required bool IsUnbounded { get; init; }

    /// <summary>Null while there is none.</summary>
    public required BudgetView? Budget { get; init; }

    /// <summary>ε of what is charged; null where nothing bounded was.</summary>
    public required double? Spent { get; init; }

    /// <summary>Rounds that the budget still allows at the mean charge so far; null where there is no budget, or no charge to tell from.</summary>
    public required long? RoundsLeft { get; init; }
}
