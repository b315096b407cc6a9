using System.Net;
using System.Net.Http.Json;
using FlEvents.Contracts;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Standalone.Commands;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace FlEvents.Standalone.Tests.Commands;

/// <summary>The command against a service that runs, and against one that lies.</summary>
public sealed class AuditLogCommandTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private WebApplication _app = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder(["--urls=http://127.0.0.1:0", "--Bus:Transport=Memory", $"--PrivacyAccountant:DataFolder={_folder.Path}"]);
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults();
        builder.AddPrivacyAccountant();
        builder.AddBus(bus => bus.AddPrivacyAccountantConsumers());
        _app = builder.Build();
        _app.MapServiceDefaults();
        _app.MapPrivacyAccountant();
        await _app.StartAsync();
        _http = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
        for (var epsilon = 1; epsilon <= 2; epsilon++)
        {
            var ledger = new LedgerIdentity { Owner = "north", DataSet = "cases", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 };
            (await _http.PutAsJsonAsync("ledger/budgets", new { ledger, unit = "client", epsilon, delta = 1e-5 })).EnsureSuccessStatusCode();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_log_that_is_whole_is_shown_with_its_head()
    {
        var (exitCode, output, errors) = await ExecuteAsync(_http);
        Assert.Equal((0, ""), (exitCode, errors));
        var lines = output.Split('\n');
        Assert.Matches(@"^     1  \S+Z  asked     anyone from 127\.0\.0\.1: PUT /ledger/budgets \(ledger:admin\) body [0-9a-f]{64}$", lines[0]);
        Assert.Matches(@"^     2  \S+Z  answered  1: 200$", lines[1]);
        Assert.Matches(@"^     4  \S+Z  answered  3: 200$", lines[3]);
        Assert.Equal("Verified  4 rows", lines[4]);
        Assert.Matches("^Head      [0-9a-f]{64}$", lines[5]);
    }

    [Fact]
    public async Task Rows_before_the_first_that_is_wanted_are_verified_and_not_shown()
    {
        var (exitCode, output, _) = await ExecuteAsync(_http, from: 4);
        Assert.Equal((0, 3), (exitCode, output.TrimEnd().Split('\n').Length));
        Tamper("update audit set who = 'ada' where sequence = 1");
        Assert.Equal(1, (await ExecuteAsync(_http, from: 4)).ExitCode);
        Assert.Equal(2, (await ExecuteAsync(_http, from: 0)).ExitCode);
    }

    [Theory]
    [InlineData("update audit set who = 'ada' where sequence = 3", "Row 3 is wrong: hash ")]
    [InlineData("update audit set status = 403 where sequence = 2", "Row 2 is wrong: hash ")]
    [InlineData("delete from audit where sequence = 2", "Row 2 is wrong: sequence 3 follows 1.")]
    [InlineData("update audit set sequence = 9 where sequence = 2", "Row 2 is wrong: sequence 3 follows 1.")]
    public async Task The_first_row_that_is_wrong_is_named(string sql, string expected)
    {
        Tamper(sql);
        var (exitCode, _, errors) = await ExecuteAsync(_http);
        Assert.Equal(1, exitCode);
        Assert.StartsWith(expected, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_service_tells_can_neither_command_the_terminal_nor_begin_a_line()
    {
        var row = AuditChain.Append(HashChain.Empty, new AuditRow { Sequence = 0, Step = "asked", At = "now", Who = "\u001B[2Jada\nVerified", PreviousHash = "", Hash = "" });
        using var http = new HttpClient(new Telling(row)) { BaseAddress = _http.BaseAddress };
        var (exitCode, output, _) = await ExecuteAsync(http);
        Assert.Equal(0, exitCode);
        Assert.Contains(@"\u001B[2Jada\u000AVerified from ", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001B', output);

        using var lying = new HttpClient(new Telling(row with { PreviousHash = "\u001B[2J\n" })) { BaseAddress = _http.BaseAddress };
        Assert.DoesNotContain('\u001B', (await ExecuteAsync(lying)).Errors);
    }

    private static async Task<(int ExitCode, string Output, string Errors)> ExecuteAsync(HttpClient http, long from = 1)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        var exitCode = await AuditLogCommand.ExecuteAsync(http, from, output, errors, CancellationToken.None);
        return (exitCode, output.ToString(), errors.ToString());
    }

    // As somebody can who has the file.
    private void Tamper(string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _folder.File("ledger.db"), Pooling = false, ForeignKeys = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"drop trigger audit_is_not_changed; drop trigger audit_is_kept; {sql}";
        command.ExecuteNonQuery();
    }

    /// <summary>A service that tells of one row, once.</summary>
    private sealed class Telling(AuditRow row) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(
            new HttpResponseMessage(HttpStatusCode.OK) { Content = JsonContent.Create(request.RequestUri!.Query.Contains("after=0", StringComparison.Ordinal) ? new[] { row } : []) });
    }
}
