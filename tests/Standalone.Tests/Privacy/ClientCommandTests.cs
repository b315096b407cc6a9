using System.Text.Json;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Commands;
using Microsoft.Data.Sqlite;

namespace FlEvents.Standalone.Tests.Privacy;

/// <summary><c>flevents client</c> over the books of a worker that runs, and over copies of them.</summary>
public sealed class ClientCommandTests(BudgetedRun run) : IClassFixture<BudgetedRun>, IDisposable
{
    private const double Delta = 1e-6;
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly StringWriter _errors = new() { NewLine = "\n" };

    public void Dispose()
    {
        _folder.Dispose();
        _output.Dispose();
        _errors.Dispose();
    }

    [Fact]
    public void A_running_workers_books_tell_what_each_client_was_asked_did_and_spent()
    {
        var done = run.Rounds.Count(round => round.State == RoundState.Done);
        var clients = Read(run.Folder).GetProperty("clients");

        Assert.Equal(["client-000000", "client-000001", "client-000002", "client-000003"], clients.EnumerateArray().Select(client => client.GetProperty("clientId").GetString()));
        Assert.All(clients.EnumerateArray(), client =>
        {
            var asked = Assert.Single(client.GetProperty("runs").EnumerateArray());
            Assert.Equal((run.Run.RunId, "tiny", "fedAvg", "digits"), (asked.GetProperty("runId").GetGuid(), Text(asked, "name"), Text(asked, "strategy"), Text(asked, "dataSet")));
            Assert.Equal((done, done, done, 0, 0), (Count(asked, "asked"), Count(asked, "accepted"), Count(asked, "done"), Count(asked, "refused"), Count(asked, "open")));
            var bytes = run.Rounds[0].BytesUp / 4 * done;
            Assert.Equal((bytes, bytes), (Count(asked, "sentBytes"), Count(asked, "receivedBytes")));

            // The improved conversion at the order that the worker's first charge fixed: z = 2 costs α/8 a task.
            var alpha = double.Parse(Column($"select max(alpha) from releases where unit = 'client' and client_id = '{Text(client, "clientId")}'"), System.Globalization.CultureInfo.InvariantCulture);
            var epsilon = (done * alpha / 8) + Math.Log((alpha - 1) / alpha) - (Math.Log(Delta * alpha) / (alpha - 1));
            foreach (var units in new[] { asked.GetProperty("units"), Assert.Single(client.GetProperty("dataSets").EnumerateArray()).GetProperty("units") })
            {
                Assert.Equal(["example", "client"], units.EnumerateArray().Select(unit => Text(unit, "unit")));
                Assert.Equal((done, 0, Delta), (Count(units[1], "tasks"), Count(units[1], "unbounded"), units[1].GetProperty("delta").GetDouble()));
                Assert.Equal(epsilon, units[1].GetProperty("epsilon").GetDouble(), 1e-6);
            }
        });
    }

    [Fact]
    public void The_page_shows_a_row_for_each_client_and_run_and_why_tasks_were_refused()
    {
        var copy = Copy("update tasks set state = 'Refused', accepted_at = null, reason_code = 'OWNER_POLICY', rule = 'hours', run_name = 'ti' || char(27) || '[2Jny' where client_id = 'client-000001' and round = 1");
        var page = PrivateRun.Shown(console => Assert.Equal(0, ClientCommand.Execute(copy, "client-000001", Delta, asJson: false, console, _output, _errors)));

        var done = run.Rounds.Count(round => round.State == RoundState.Done);
        Assert.Matches($@"client-000001 │ ti[^│\n]* │ {done} +│ {done - 1} +│ 1 +│ ", page);
        Assert.Matches(@"client-000001 │ ti[^│\n]* │ refused │ OWNER_POLICY │ hours │ 1 ", page);
        Assert.Contains("Spent, at δ = 1e-6\n", page, StringComparison.Ordinal);
        Assert.Matches(@"client-000001 │ digits │ all +│ \d+\.\d+ +│ \d+\.\d+ ", page);
        Assert.DoesNotContain("client-000002", page, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', page);
        Assert.All(page.Split('\n'), line => Assert.InRange(line.Length, 0, 80));

        var record = Read(copy, "client-000001").GetProperty("clients")[0].GetProperty("runs")[0];
        Assert.Equal(1, Count(record, "refused"));
        var end = Assert.Single(record.GetProperty("ends").EnumerateArray());
        Assert.Equal(("Refused", "OWNER_POLICY", "hours", 1), (Text(end, "state"), Text(end, "reasonCode"), Text(end, "rule"), Count(end, "tasks")));
        Assert.Equal(["client-worker.db"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void An_unbounded_task_leaves_no_epsilon_for_all_and_an_evaluation_alone_is_told_of_too()
    {
        var copy = Copy("""
            update releases set charge = 'unbounded', alpha = null, measure = null where client_id = 'client-000002' and round = 1 and unit = 'client';
            insert into evaluations (run_id, version, client_id, submitted_at, run_name, data_set, rule, received_bytes)
            values ('0193b7a0-0000-7000-8000-000000000001', 1, 'client-000002', '2030-01-01T00:00:00.0000000Z', 'scored', 'digits', 'evaluation', 0)
            """);
        var runs = Read(copy, "client-000002").GetProperty("clients")[0].GetProperty("runs");
        Assert.Equal(["tiny", "scored"], runs.EnumerateArray().Select(entry => Text(entry, "name")));
        Assert.Equal((0, 0, 1), (Count(runs[1], "asked"), Count(runs[1], "evaluated"), Count(runs[1], "evaluationsRefused")));
        Assert.Equal(1, Count(runs[0].GetProperty("units")[1], "unbounded"));
        Assert.Contains("unbounded", PrivateRun.Shown(console => ClientCommand.Execute(copy, "client-000002", Delta, asJson: false, console, _output, _errors)), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_there_are_no_books_the_exit_code_is_2_and_nothing_is_made()
    {
        File.WriteAllText(_folder.File("text.db"), new string('x', 5000));
        File.WriteAllBytes(_folder.File("empty.db"), []);
        foreach (var place in new[] { _folder.Path, _folder.File("text.db"), _folder.File("empty.db"), _folder.File("nowhere") })
        {
            Assert.Equal(2, Execute(place, null, Delta));
        }

        Assert.Equal(2, Execute(run.Folder, null, delta: 1));
        Assert.Equal(["empty.db", "text.db"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
        Assert.Contains($"There is no worker's database in {_folder.Path}: expected client-worker.db or", _errors.ToString(), StringComparison.Ordinal);
    }

    private int Execute(string data, string? clientId, double delta)
    {
        var code = 0;
        PrivateRun.Shown(console => code = ClientCommand.Execute(data, clientId, delta, asJson: true, console, _output, _errors));
        return code;
    }

    private JsonElement Read(string data, string? clientId = null)
    {
        _output.GetStringBuilder().Clear();
        Assert.Equal((0, ""), (Execute(data, clientId, Delta), _errors.ToString()));
        return JsonDocument.Parse(_output.ToString()).RootElement;
    }

    /// <summary>A copy of the worker's books, changed, with nothing left in a write-ahead log.</summary>
    private string Copy(string sql)
    {
        var copy = _folder.File("client-worker.db");
        foreach (var end in new[] { "", "-wal" })
        {
            File.Copy(Path.Combine(run.Folder, "state", "client-worker", $"client-worker.db{end}"), copy + end, overwrite: true);
        }

        BudgetedRun.Execute(copy, $"{sql}; pragma wal_checkpoint(truncate)");
        File.Delete($"{copy}-wal");
        File.Delete($"{copy}-shm");
        return copy;
    }

    private string Column(string sql)
    {
        var path = Path.Combine(run.Folder, "state", "client-worker", "client-worker.db");
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture)!;
    }

    private static string? Text(JsonElement record, string name) => record.GetProperty(name).GetString();

    private static long Count(JsonElement record, string name) => record.GetProperty(name).GetInt64();
}
