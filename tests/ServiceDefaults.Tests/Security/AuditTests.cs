using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Security;

namespace FlEvents.ServiceDefaults.Tests.Security;

public sealed class AuditTests : IDisposable
{
    private const string Json = """{"secret":"7777-body"}""";

    // Only a hang takes as long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_request_is_in_the_log_before_it_is_carried_out_and_its_answer_before_the_caller_has_it()
    {
        await using var host = await StartAsync();
        Assert.Equal(HttpStatusCode.Created, await host.StatusAsync(AuditedHost.Writer, HttpMethod.Post, "/things/a%20b", Json));
        var rows = host.Rows;

        var (thing, before) = Assert.Single(host.Seen);
        Assert.Equal("7777-body", thing.Secret);
        Assert.Equal([rows[0]], before);
        Assert.Equal(
            new AuditRow
            {
                Sequence = 1,
                Step = "asked",
                At = "2025-03-01T12:00:00.0000000Z",
                Who = "writer",
                Method = "POST",
                Route = "/things/{name}",
                Path = "/things/a%20b",
                Scope = "runs:write",
                Remote = "127.0.0.1",
                BodySha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json))),
                PreviousHash = new string('0', 64),
                Hash = rows[0].Hash,
            },
            rows[0]);
        Assert.Equal(("answered", 1L, 201), (rows[1].Step, rows[1].Answers, rows[1].Status));
        Assert.Equal(2, rows.Count);
        Assert.Null(FirstFault(rows));
    }

    [Fact]
    public async Task Neither_keys_nor_queries_nor_bodies_are_in_the_log()
    {
        await using var host = await StartAsync();
        await host.StatusAsync(AuditedHost.Writer, HttpMethod.Post, "/things/a?api_key=7777-query", Json);
        await host.StatusAsync(AuditedHost.Reader, HttpMethod.Post, "/things/a?api_key=7777-query", Json);
        var told = JsonSerializer.Serialize(host.Rows);
        Assert.Equal(3, host.Rows.Count);
        Assert.All([AuditedHost.Writer, AuditedHost.Reader, "7777"], secret => Assert.DoesNotContain(secret, told, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_known_caller_who_is_refused_is_in_the_log_and_a_stranger_is_counted_alone()
    {
        await using var host = await StartAsync();
        var strangers = 0;
        using var counting = AuditedHost.Count(host.Metrics.UnknownCallers, () => strangers++);

        Assert.Equal(HttpStatusCode.Unauthorized, await host.StatusAsync(key: null, HttpMethod.Post, "/things/a", Json));
        Assert.Equal(HttpStatusCode.Unauthorized, await host.StatusAsync("fle_guessed", HttpMethod.Delete, "/things/a"));
        Assert.Empty(host.Rows);
        Assert.Equal(2, strangers);

        Assert.Equal(HttpStatusCode.Forbidden, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Delete, "/things/a"));
        Assert.Equal(HttpStatusCode.Forbidden, await host.StatusAsync(AuditedHost.Writer, HttpMethod.Get, "/things"));
        Assert.Equal(
            [("refused", "reader", "DELETE", "/things/{name}", "runs:write", 403), ("refused", "writer", "GET", "/things", "runs:read", 403)],
            host.Rows.Select(row => (row.Step, row.Who!, row.Method!, row.Route!, row.Scope!, row.Status!.Value)));
        Assert.Empty(host.Seen);
        Assert.Equal(2, strangers);
    }

    [Fact]
    public async Task Who_only_looks_makes_no_row()
    {
        await using var host = await StartAsync();
        Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Get, "/things"));
        Assert.Equal(HttpStatusCode.OK, await host.StatusAsync(AuditedHost.Admin, HttpMethod.Get, "/audit"));
        Assert.Empty(host.Rows);
    }

    [Fact]
    public async Task A_request_that_the_log_cannot_take_is_not_carried_out()
    {
        await using var host = await StartAsync();
        var path = $"/things/{new string('x', 900)}";

        // The file may not grow any more, and a page takes a few rows: soon there is no room.
        await host.Database.WriteAsync(transaction => transaction.Execute("insert into filler (bytes) values (zeroblob(1000000))"), CancellationToken.None);
        await host.Database.WriteAsync(transaction => transaction.Execute("pragma max_page_count = 1"), CancellationToken.None);
        var answers = new List<HttpStatusCode>();
        do
        {
            using var answer = await host.AskAsync(AuditedHost.Writer, HttpMethod.Post, path, Json);
            answers.Add(answer.StatusCode);
            if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                Assert.Equal("10", answer.Headers.RetryAfter!.ToString());
                Assert.Equal("The audit log can't be written now, so nothing was done.", (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("detail").GetString());
            }
        }
        while (answers[^1] == HttpStatusCode.Created && answers.Count < 20);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answers[^1]);
        Assert.Equal(answers.Count - 1, host.Seen.Count);
        Assert.Equal(host.Seen.Count, host.Rows.Count(row => row.Step == AuditStep.Asked));

        TestDatabase.Outside(host.Database.FilePath, "delete from filler");
        Assert.Equal(HttpStatusCode.Created, await UntilRoomAsync(host, path));
        Assert.Null(FirstFault(host.Rows));
    }

    [Fact]
    public async Task How_a_request_failed_is_in_the_log_as_its_caller_was_told()
    {
        await using var host = await StartAsync();
        Assert.Equal(HttpStatusCode.InternalServerError, await host.StatusAsync(AuditedHost.Writer, HttpMethod.Post, "/fault"));
        Assert.Equal(HttpStatusCode.BadRequest, await host.StatusAsync(AuditedHost.Writer, HttpMethod.Post, "/things/a", "{"));
        Assert.Equal([("asked", null), ("answered", 500), ("asked", null), ("answered", 400)], host.Rows.Select(row => (row.Step, row.Status)));
        Assert.Null(host.Rows[0].BodySha256);
    }

    [Fact]
    public async Task A_caller_who_goes_away_leaves_an_answer_that_nobody_was_given()
    {
        await using var host = await StartAsync();
        using var gone = new CancellationTokenSource();
        var asking = host.AskAsync(AuditedHost.Writer, HttpMethod.Post, "/endless", cancellationToken: gone.Token);
        await host.Waiting.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);

        using var late = new CancellationTokenSource(Patience);
        while (host.Rows.Count < 2)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(2), late.Token);
        }

        Assert.Equal([("asked", null), ("answered", 499)], host.Rows.Select(row => (row.Step, row.Status)));
    }

    [Fact]
    public async Task What_would_command_a_terminal_or_begin_a_line_is_in_no_row()
    {
        await using var host = await StartAsync();
        await host.StatusAsync(AuditedHost.Writer, HttpMethod.Delete, "/things/%1B%5B31m%0D%0Ainfo:%20forged%E2%80%AE");
        Assert.Equal("/things/%1B%5B31m%0D%0Ainfo:%20forged%E2%80%AE", host.Rows[0].Path);
    }

    [Fact]
    public async Task The_log_is_read_a_page_at_a_time_by_who_may()
    {
        await using var host = await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await host.StatusAsync(AuditedHost.Writer, HttpMethod.Delete, "/things/a");
        }

        using var answer = await host.AskAsync(AuditedHost.Admin, HttpMethod.Get, "/audit?after=2&limit=3");
        Assert.Equal(host.Rows.Skip(2).Take(3), await answer.Content.ReadFromJsonAsync<List<AuditRow>>(TestContext.Current.CancellationToken));
        Assert.Equal(HttpStatusCode.BadRequest, await host.StatusAsync(AuditedHost.Admin, HttpMethod.Get, "/audit?limit=1001"));
        Assert.Equal(HttpStatusCode.BadRequest, await host.StatusAsync(AuditedHost.Admin, HttpMethod.Get, "/audit?limit=0"));
        Assert.Equal(HttpStatusCode.BadRequest, await host.StatusAsync(AuditedHost.Admin, HttpMethod.Get, "/audit?after=-1"));
        Assert.Equal(HttpStatusCode.Forbidden, await host.StatusAsync(AuditedHost.Reader, HttpMethod.Get, "/audit"));
    }

    // The writer notices room when it tries next.
    private static async Task<HttpStatusCode> UntilRoomAsync(AuditedHost host, string path)
    {
        using var late = new CancellationTokenSource(Patience);
        while (!late.IsCancellationRequested)
        {
            if (await host.StatusAsync(AuditedHost.Writer, HttpMethod.Post, path, Json) is not HttpStatusCode.ServiceUnavailable and var status)
            {
                return status;
            }
        }

        return HttpStatusCode.ServiceUnavailable;
    }

    private static string? FirstFault(IEnumerable<AuditRow> rows)
    {
        var head = HashChain.Empty;
        foreach (var row in rows)
        {
            if (AuditChain.FaultOf(head, row) is { } fault)
            {
                return fault;
            }

            head = new ChainHead(row.Sequence, row.Hash);
        }

        return null;
    }

    private Task<AuditedHost> StartAsync() => AuditedHost.StartAsync(_folder.File("audit.db"));
}
