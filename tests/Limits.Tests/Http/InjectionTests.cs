using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FlEvents.EndToEnd.Tests;

namespace FlEvents.Limits.Tests.Http;

/// <summary>Texts from outside that want to be something else where they are shown: a line of a log, a command to a terminal, a sample, a label.</summary>
public sealed partial class InjectionTests(AttackedServices services, ITestOutputHelper output) : IClassFixture<AttackedServices>
{
    private const string Mark = "forged7777";

    /// <summary>Ends a line, begins one that looks like the log's, and colours it.</summary>
    private const string Forgery = $"a\r\nfail: {Mark}[0]\n\u001B[31m{Mark}\u009B2J\u2028{Mark}";

    [Fact]
    public async Task What_callers_send_makes_no_line_of_the_log_and_commands_no_terminal()
    {
        await services.AttackAsync(async service =>
        {
            var encoded = Uri.EscapeDataString(Forgery);
            foreach (var target in new[] { "GET /", "DELETE /clients/", "GET /models/", "GET /ledger/clients/", "POST /quarantine/", "GET /backup/", "GET /alive?" })
            {
                // As it may be in a target, and in a header as no library would send it.
                await RawHttp.AskAsync(service.Url, target.Split(' ')[0], target.Split(' ')[1] + encoded, $"{AttackedServices.Authorized}User-Agent: \u001B[31m{Mark}\u009B2J\r\nReferer: {encoded}\r\n");
                await RawHttp.AskAsync(service.Url, target.Split(' ')[0], target.Split(' ')[1] + $"\u001B[31m{Mark}", AttackedServices.Authorized);
                await RawHttp.AskAsync(service.Url, target.Split(' ')[0], target.Split(' ')[1] + encoded, $"Authorization: Bearer \u001B[31m{Mark}\r\n");
            }

            using var http = AttackedServices.Client(service);
            var body = JsonSerializer.Serialize(new { reason = Forgery, unit = Forgery, name = Forgery, ledger = Forgery });
            foreach (var path in new[] { "runs", "ledger/budgets", "ledger/quarantine/accept" })
            {
                using var answer = await http.SendAsync(
                    new HttpRequestMessage(path.EndsWith('s') && path[0] == 'l' ? HttpMethod.Put : HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") },
                    TestContext.Current.CancellationToken);
                Assert.True((int)answer.StatusCode is >= 400 and < 500, $"{service.Name}, {path}: {answer.StatusCode}");
            }
        });
        Assert.All(services.All, service => AssertConsole(service));
    }

    [Fact]
    public async Task A_runs_name_is_one_label_of_one_sample_and_nothing_else_of_a_caller_is_in_the_metrics()
    {
        using var http = AttackedServices.Client(services.Orchestrator);
        var spec = JsonSerializer.SerializeToNode(TinyRun.Read().Run, JsonSerializerOptions.Web)!.AsObject();
        spec["name"] = "x\"} 1\nfl_forged 7\n\\\r\t{a=\"\u001B[31m";
        using var created = await new RunsApi(http).PostRunAsync(spec.ToJsonString(), $"{Mark}-key");
        output.WriteLine($"{created.StatusCode} {await created.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        await RawHttp.AskAsync(services.Orchestrator.Url, "GET", $"/runs/{Mark}?{Mark}", $"{AttackedServices.Authorized}User-Agent: {Mark}\r\n");
        await RawHttp.AskAsync(services.Orchestrator.Url, "DELETE", $"/clients/{Mark}", AttackedServices.Authorized);
        await RawHttp.AskAsync(services.Orchestrator.Url, "GET", "/runs", $"Authorization: Bearer {Mark}\r\n");

        var metrics = await http.GetStringAsync(new Uri("metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.All(metrics.TrimEnd('\n').Split('\n'), line => Assert.Matches(Line(), line));
        Assert.DoesNotContain(Mark, metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("\nfl_forged", metrics, StringComparison.Ordinal);
        if (created.StatusCode == HttpStatusCode.Created)
        {
            var id = JsonNode.Parse(await created.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["runId"]!.GetValue<string>();
            Assert.Single(metrics.Split('\n'), line => line.StartsWith("fl_run_info{", StringComparison.Ordinal) && line.Contains(id, StringComparison.Ordinal));
        }

        AssertConsole(services.Orchestrator);
    }

    private static void AssertConsole(AttackedService service)
    {
        Assert.NotEmpty(service.Process.Output);
        Assert.All(service.Process.Output, line =>
        {
            Assert.DoesNotContain(line, character => char.IsControl(character) && character != '\t');
            Assert.DoesNotMatch($"^(fail: )?{Mark}", line);
        });
    }

    // https://prometheus.io/docs/instrumenting/exposition_formats/: a comment, or a name, its labels, and a number.
    [GeneratedRegex("""^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? ([-+0-9.eE]+|[+-]Inf|NaN))$""")]
    private static partial Regex Line();
}
