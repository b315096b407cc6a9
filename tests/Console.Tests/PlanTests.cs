using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.EndToEnd.Tests;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Console.Tests;

/// <summary>The plan that is shown before a run is started, over HTTP.</summary>
public sealed class PlanTests(ConsoleServer server)
{
    [Fact]
    public async Task A_plan_of_the_service_is_that_of_the_command_line_for_the_same_clients()
    {
        var file = TinyRun.Read(
            "privacy={\"mode\":\"example\",\"example\":{\"clipNorm\":1,\"noiseMultiplier\":1.1}}", "rounds=20", "evaluation.federated=false", "training.validationFraction=0");
        var expected = RunPlans.Of(file, ClientExamples.Of(file).Declared, TimeSpan.FromSeconds(1), processors: 1) with { Time = null };

        var plan = (await PlanAsync(body =>
        {
            ConsoleServer.WithPrivacy(body);
            body["rounds"] = 20;
        })).AsObject();
        plan.Remove("earlier");

        Assert.Equal(JsonSerializer.SerializeToNode(expected, JsonSerializerOptions.Web)!.ToJsonString(), plan.ToJsonString());
    }

    [Fact]
    public async Task A_plan_takes_its_time_from_the_newest_run_that_does_the_same_work()
    {
        Assert.Null((await PlanAsync(Wider))["earlier"]);
        var runId = await server.CreateAsync(Wider);
        await server.Api.EndAsync(runId);
        var rounds = await server.Api.RoundsAsync(runId);
        var mean = rounds.Average(round => round.GetProperty("durationMs").GetDouble()) / 1000;

        var earlier = (await PlanAsync(body =>
        {
            Wider(body);
            body["rounds"] = 30;
            body["name"] = "again";
        }))["earlier"]!;

        Assert.Equal((runId.ToString(), rounds.Count), ((string)earlier["runId"]!, (int)earlier["rounds"]!));

        // The same sum in another order.
        Assert.Equal(mean, (double)earlier["roundSeconds"]!, 1e-9);
        Assert.Equal(mean * 30, (double)earlier["runSeconds"]!, 1e-7);

        static void Wider(JsonObject body) => body["model"]!["hidden"] = new JsonArray(19);
    }

    [Fact]
    public async Task Nothing_is_planned_for_clients_that_are_not_there_or_for_longer_than_the_service_can_spare()
    {
        Assert.Contains("there is nobody to plan for", await RefusalAsync(409, body => body["data"]!["dataSet"] = "none"), StringComparison.Ordinal);
        Assert.Contains("flevents plan takes any number", await RefusalAsync(422, body =>
        {
            ConsoleServer.WithPrivacy(body);
            body["rounds"] = 1001;
            body["privacy"]!["example"]!["noiseDecay"] = 0.9999;
        }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_task_charges_is_told_for_every_client_with_the_data()
    {
        var runId = await server.CreateAsync(ConsoleServer.WithPrivacy);
        var charges = (await server.Api.GetAsync($"runs/{runId}/charges")).EnumerateArray().ToList();
        Assert.Equal(TinyRun.Clients, charges.Count);
        Assert.All(charges, charge =>
        {
            var example = charge.GetProperty("charges")[0];
            Assert.Equal(("example", 1.1, 16 / 75.0, 5), (
                example.GetProperty("unit").GetString(), example.GetProperty("noiseMultiplier").GetDouble(), example.GetProperty("samplingProbability").GetDouble(), example.GetProperty("steps").GetInt64()));
        });
        await server.Api.EndAsync(runId);
    }

    private async Task<JsonNode> PlanAsync(Action<JsonObject> change)
    {
        using var response = await PostAsync(change);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    private async Task<string> RefusalAsync(int status, Action<JsonObject> change)
    {
        using var response = await PostAsync(change);
        Assert.Equal(status, (int)response.StatusCode);
        return (string)JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["detail"]!;
    }

    private async Task<HttpResponseMessage> PostAsync(Action<JsonObject> change)
    {
        var body = TinyRun.Body();
        change(body);
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        return await server.Http.PostAsync(new Uri("plan", UriKind.Relative), content, TestContext.Current.CancellationToken);
    }
}
