using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant;

/// <summary>What a command to the ledger must be before the ledger decides about it. A message that breaks this is no refusal: it is parked.</summary>
public static class BudgetMessages
{
    private const int LargestPage = 256;
    private static readonly PrivacyUnit[] Units = Enum.GetValues<PrivacyUnit>();
    private static readonly string[] Proofs = ["NOT_DISPATCHED", "UNDELIVERABLE", "REFUSED_BEFORE_LEASE"];

    /// <exception cref="InvalidDataException">It names the value and what was expected.</exception>
    public static void Check(ReserveBudget message)
    {
        Require(message.Round >= 1, $"ReserveBudget: Round is {message.Round}; expected 1 or more.");
        Require(message.Attempt >= 1, $"ReserveBudget: Attempt is {message.Attempt}; expected 1 or more.");
        var count = message.Clients?.Count ?? 0;
        Require(count is >= 1 and <= LargestPage, $"ReserveBudget: Clients has {count} members; expected 1 to {LargestPage}.");
        foreach (var client in message.Clients!)
        {
            CheckClient("ReserveBudget", client.ClientId);
            CheckLedger(client);
            CheckCharges(client);
        }

        var twice = message.Clients.CountBy(client => client.ClientId).FirstOrDefault(client => client.Value > 1).Key;
        Require(twice is null, $"ReserveBudget: Clients has {twice} twice; expected each client once.");
    }

    /// <inheritdoc cref="Check(ReserveBudget)"/>
    public static void Check(CommitBudget message)
    {
        Require(message.Round >= 1, $"CommitBudget: Round is {message.Round}; expected 1 or more.");
        Require(
            message.ModelSha256 is null || IsHash(message.ModelSha256),
            $"CommitBudget: ModelSha256 is \"{message.ModelSha256}\"; expected 64 lower-case hexadecimal digits, or none.");
    }

    /// <inheritdoc cref="Check(ReserveBudget)"/>
    public static void Check(RefundBudget message)
    {
        Require(message.Round >= 1, $"RefundBudget: Round is {message.Round}; expected 1 or more.");
        CheckClient("RefundBudget", message.ClientId);
        Require(Proofs.Contains(message.ReasonCode), $"RefundBudget: ReasonCode is \"{message.ReasonCode}\"; expected {string.Join(", ", Proofs)}.");
    }

    /// <inheritdoc cref="Check(ReserveBudget)"/>
    public static void Check(ChargeOutput message)
    {
        Require(message.Round >= 1, $"ChargeOutput: Round is {message.Round}; expected 1 or more.");
        CheckClient("ChargeOutput", message.ClientId);
        Require(
            IsHash(message.UpdateSha256),
            $"ChargeOutput: UpdateSha256 is \"{message.UpdateSha256}\"; expected 64 lower-case hexadecimal digits.");
    }

    /// <inheritdoc cref="Check(ReserveBudget)"/>
    public static void Check(LedgerReport message)
    {
        Require(
            message.Service is LedgerReporter.Orchestrator or LedgerReporter.Aggregator,
            $"LedgerReport: Service is \"{message.Service}\"; expected {LedgerReporter.Orchestrator} or {LedgerReporter.Aggregator}.");
        if (message.Clients.Count > 0)
        {
            Require(
                message is { RunId: not null, RoundId: not null, Round: not null, Attempt: not null },
                "LedgerReport: Clients has members; expected RunId, RoundId, Round and Attempt beside them.");
            Check(Recovery.RequestOf(message));
        }
    }

    private static bool IsHash(string? text) => text?.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    private static void CheckClient(string message, string clientId) => Require(
        IsClientId(clientId), $"{message}: ClientId is \"{clientId}\"; expected 1 to 64 of a-z, 0-9 and -.");

    /// <summary>Whether a text can be a client's id: 1 to 64 of <c>a-z 0-9 -</c>.</summary>
    public static bool IsClientId(string? text) =>
        text?.Length is >= 1 and <= 64 && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static void CheckLedger(ReservationRequest client)
    {
        var ledger = client.Ledger;
        var named = !string.IsNullOrEmpty(ledger?.Owner) && !string.IsNullOrEmpty(ledger.DataSet) && !string.IsNullOrEmpty(ledger.PartitionRule);
        Require(
            named && ledger!.PartitionIndex >= 0,
            $"ReserveBudget: the ledger of {client.ClientId} is {ledger}; expected an owner, a data set, a partition rule and an index of 0 or more.");
    }

    private static void CheckCharges(ReservationRequest client)
    {
        foreach (var unit in Units)
        {
            var charges = client.Charges?.Count(charge => charge.Unit == unit) ?? 0;
            Require(charges == 1, $"ReserveBudget: Charges of {client.ClientId} has {charges} of unit {LedgerChain.Name(unit)}; expected one of each unit.");
        }
    }

    private static void Require(bool holds, string error)
    {
        if (!holds)
        {
            throw new InvalidDataException(error);
        }
    }
}
