using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Events;
using FlEvents.Testing;
using static FlEvents.Orchestrator.Tests.Rounds.Messages;

namespace FlEvents.Orchestrator.Tests.Events;

/// <summary>A log holds nothing that a public event may not hold: by the classes of docs/privacy.md, in every mode.</summary>
public sealed partial class LoggedFieldTests
{
    // Columns of the table: the message, its public fields, its noised ones, its absent ones.
    private static readonly Dictionary<string, string[]> Absent = File.ReadLines(Repository.File("docs", "privacy.md"))
        .SkipWhile(line => !line.StartsWith("## Every field of a message", StringComparison.Ordinal))
        .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
        .Select(line => line.Split('|'))
        .ToDictionary(cells => Name().Match(cells[1]).Groups[1].Value, cells => Name().Matches(cells[4]).Select(name => name.Groups[1].Value).ToArray());

    private static readonly object[] Told =
    [
        new CreateModel { RunId = RunId, Run = Spec },
        new ModelPublished { RunId = RunId, Version = 0, Model = Blob('b'), ParameterCount = 10, Receipt = null },
        new ModelRefused { RunId = RunId, Reason = "…" },
        new ReserveBudget { RunId = RunId, RoundId = RunId, Round = 1, Attempt = 1, Clients = [new ReservationRequest { ClientId = Client(0), Ledger = Ledger, Charges = [] }] },
        new BudgetReserved { RunId = RunId, RoundId = RunId, Round = 1, Attempt = 1, ClientIds = [Client(0)] },
        new BudgetRefused { RunId = RunId, RoundId = RunId, Round = 1, Attempt = 1, Refused = [new ClientRefusal { ClientId = Client(1), ReasonCode = "CONFLICT", Detail = "…" }] },
        new RefundBudget { RunId = RunId, RoundId = RunId, Round = 1, ClientId = Client(0), ReservationId = RunId, ReasonCode = "NOT_DISPATCHED" },
        new RoundStarted { RunId = RunId, RoundId = RunId, Round = 1, CohortSize = 2, BaseModel = Blob('b'), DeadlineAt = Start },
        Admitted(Member(Round(1), 0)),
        Rejected(Member(Round(1), 0)),
        Aggregated(Round(1)),
        Abandoned(Round(1)),
        new RunCompleted { RunId = RunId, Outcome = RunOutcome.Completed, Reason = null, Model = Blob('c') },
    ];

    private static LedgerIdentity Ledger => new() { Owner = "owner", DataSet = "digits", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 };

    [Fact]
    public void No_record_has_a_value_in_a_field_that_is_absent_in_a_private_run()
    {
        Assert.NotEmpty(Absent["UpdateAdmitted"]);
        foreach (var told in Told.Select(message => EventLog.EventOf(message)!))
        {
            var body = JsonNode.Parse(told.Body())!.AsObject();
            Assert.All(Absent[told.Type], field => Assert.Null(body[char.ToLowerInvariant(field[0]) + field[1..]]));
        }
    }

    [Fact]
    public void A_rejection_is_told_by_its_code_and_not_by_a_sentence_that_may_name_an_updates_hash()
    {
        var told = EventLog.EventOf(Rejected(Member(Round(1), 0)) with { ReasonCode = RejectionCode.Equivocation, Detail = $"Update {new string('e', 64)} follows." })!;

        Assert.Contains("\"reasonCode\":\"EQUIVOCATION\",\"detail\":\"\"", told.Body(), StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_else_that_is_told_is_told_as_it_was_sent() => Assert.All(
        Told.Where(message => message is not (UpdateAdmitted or UpdateRejected)), message => Assert.Same(message, EventLog.EventOf(message)!.Message));

    // When a single client's update came, minus when its round started, is how long it trained.
    [Fact]
    public void No_time_is_told_of_single_clients() => Assert.Equal(
        ["ReserveBudget", "BudgetReserved", "BudgetRefused", "RefundBudget", "UpdateAdmitted", "UpdateRejected"],
        Told.Select(message => EventLog.EventOf(message)!).Where(told => told.IsOfClients).Select(told => told.Type));

    [Fact]
    public void What_changes_no_state_or_holds_a_secret_is_not_told()
    {
        var member = Member(Round(1), 0);
        object[] others =
        [
            Rejected(member, isFinal: false),
            new ModelPublished { RunId = RunId, Version = 1, Model = Blob('b'), ParameterCount = 10, Receipt = null },
            Refused(member),
            Interrupted(member, "STOPPING"),
            new AggregateRound { RunId = RunId, RoundId = RunId, Round = 1, MinimumReports = 1 },
            new OpenRound { RunId = RunId, RoundId = RunId, Round = 1, BaseModel = Blob('b'), CohortSize = 1, Members = [] },
        ];

        Assert.All(others, message => Assert.Null(EventLog.EventOf(message)));
    }

    [GeneratedRegex("`([A-Za-z0-9]+)`")]
    private static partial Regex Name();
}
