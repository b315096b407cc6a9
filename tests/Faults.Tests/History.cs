using System.Globalization;
using Dapper;
using Microsoft.Data.Sqlite;

namespace FlEvents.Faults.Tests;

/// <summary>What the services say of a run after all faults, each by its own database.</summary>
/// <param name="Members">Orchestrator: clients of each round, and how each ended.</param>
/// <param name="Admitted">Aggregator: client and round of each update that is in a book, by reservation.</param>
/// <param name="Charges">PrivacyAccountant: each reservation in each unit.</param>
/// <param name="Rounds">Orchestrator: each round, and how it ended.</param>
internal sealed record History(
    IReadOnlyList<MemberRow> Members, IReadOnlyList<AdmittedRow> Admitted, IReadOnlyList<ChargeRow> Charges, IReadOnlyList<RoundRow> Rounds)
{
    private const string SelectMembers = """
        select m.client_id ClientId, r.number Round, m.reservation_id ReservationId, m.state State, coalesce(m.detail, '') Detail
        from member m join round r using (round_id) where r.run_id = @run
        """;

    private const string SelectAdmitted = """
        select m.client_id ClientId, b.round Round, m.reservation_id ReservationId, m.update_sha256 UpdateSha256
        from book_member m join book b using (round_id) where b.run_id = @run and m.state = 'Admitted'
        """;

    private const string SelectCharges = """
        select client_id ClientId, round Round, reservation_id ReservationId, attempt Attempt, unit Unit, state State from reservation where run_id = @run
        """;

    private const string SelectRounds = "select number Round, state State, coalesce(model_sha256, '') ModelSha256 from round where run_id = @run order by number";

    public static History Of(Guid runId, string orchestrator, string aggregator, string accountant) => new(
        Read<MemberRow>(orchestrator, SelectMembers, runId),
        Read<AdmittedRow>(aggregator, SelectAdmitted, runId),
        Read<ChargeRow>(accountant, SelectCharges, runId),
        Read<RoundRow>(orchestrator, SelectRounds, runId));

    private static List<T> Read<T>(string path, string query, Guid runId)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        return connection.Query<T>(query, new { run = runId.ToString() }).AsList();
    }
}

internal sealed record MemberRow(string ClientId, long Round, string ReservationId, string State, string Detail);

internal sealed record AdmittedRow(string ClientId, long Round, string ReservationId, string UpdateSha256);

internal sealed record ChargeRow(string ClientId, long Round, string ReservationId, long Attempt, string Unit, string State);

internal sealed record RoundRow(long Round, string State, string ModelSha256);

/// <summary>What became of a run's updates and charges: one line of the checker's table.</summary>
internal sealed record Verdict
{
    public required string Run { get; init; }

    /// <summary>Rounds planned, and those without a model.</summary>
    public required int Rounds { get; init; }

    public required int LostRounds { get; init; }

    /// <summary>Tasks of which an output was received.</summary>
    public required int Attempted { get; init; }

    /// <summary>Updates that the Orchestrator was told are in a book.</summary>
    public required int Acknowledged { get; init; }

    /// <summary>Updates in a book that the Orchestrator does not know of, or the other way round.</summary>
    public required int Lost { get; init; }

    /// <summary>Those updates: who, in which round, and where the Orchestrator says that it ended.</summary>
    public required IReadOnlyList<string> LostUpdates { get; init; }

    /// <summary>Reservations of a client and round in one unit beyond the first, without a further output to charge.</summary>
    public required int DoubleCharges { get; init; }

    /// <summary>Updates in a book without a committed charge in both units.</summary>
    public required int UnderCounts { get; init; }

    /// <summary>Different outputs of one task that were received and not charged: in a run without noise any second one.</summary>
    public required int RepeatedOutputs { get; init; }

    /// <summary>Charges that are neither committed nor given back.</summary>
    public required int OpenCharges { get; init; }

    public bool IsClean => (LostRounds, Lost, DoubleCharges, UnderCounts, RepeatedOutputs, OpenCharges) == (0, 0, 0, 0, 0, 0);

    public static Verdict Of(string run, int rounds, History history, ILookup<string, string> received)
    {
        var admitted = history.Admitted.Select(update => update.ReservationId).ToHashSet(StringComparer.Ordinal);
        var acknowledged = history.Members.Where(member => member.State == "Admitted").Select(member => member.ReservationId).ToHashSet(StringComparer.Ordinal);
        var attempts = history.Charges.GroupBy(charge => (charge.ClientId, charge.Round, charge.Unit)).ToDictionary(group => group.Key, group => group.Count());
        int Attempts(MemberRow member) => attempts.GetValueOrDefault((member.ClientId, member.Round, "client"));
        var committed = history.Charges.Where(charge => charge.State == "committed").ToLookup(charge => charge.ReservationId, charge => charge.Unit);
        return new Verdict
        {
            Run = run,
            Rounds = rounds,
            LostRounds = rounds - history.Rounds.Count(round => round.State == "Done" && round.ModelSha256.Length == 64),
            Attempted = history.Members.Count(member => received[member.ReservationId].Any()),
            Acknowledged = acknowledged.Count,
            Lost = admitted.Except(acknowledged).Count() + acknowledged.Except(admitted).Count(),
            LostUpdates =
            [
                .. history.Members.Where(member => admitted.Contains(member.ReservationId) != acknowledged.Contains(member.ReservationId))
                    .Select(member => $"{member.ClientId} in round {member.Round} is {member.State} ({member.Detail})"),
            ],
            DoubleCharges = history.Members.Sum(member => Math.Max(0, Attempts(member) - Math.Max(1, received[member.ReservationId].Count()))),
            UnderCounts = admitted.Count(reservation => committed[reservation].Distinct().Count() < 2),
            RepeatedOutputs = history.Members.Sum(member => Math.Max(0, received[member.ReservationId].Count(IsKnown) - Math.Max(1, Attempts(member)))),
            OpenCharges = history.Charges.Count(charge => charge.State == "reserved"),
        };
    }

    // What a restored Aggregator keeps in the place of an output that it may have forgotten may be charged, and is none that was seen.
    private static bool IsKnown(string output) => output.Length == 64;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Run} | {Rounds} | {LostRounds} | {Attempted} | {Acknowledged} | {Lost} | {RepeatedOutputs} | {DoubleCharges} | {UnderCounts} | {OpenCharges} |");

    public const string Header = """
        | Run | Rounds | Lost | Updates attempted | Acknowledged | Lost | Repeated outputs | Double charges | Under-counts | Open charges |
        |---|---|---|---|---|---|---|---|---|---|
        """;
}
