using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.EndToEnd.Tests;

namespace FlEvents.Console.Tests;

/// <summary>The browser's reading of the schema, held against the service's own reader.</summary>
public sealed class SchemaTests(Browser browser, ConsoleServer server)
{
    private static readonly (string Path, string Value)[] Changes =
    [
        ("rounds", "0"), ("rounds", "100001"), ("rounds", "1.5"), ("rounds", "\"3\""), ("rounds", "null"), ("name", "\"\""), ("name", "7"), ("seed", "-1"), ("none", "1"), ("constructor", "1"), ("model.toString", "1"),
        ("model.name", "\"resnet\""), ("model.hidden", "16"), ("model.hidden", "[\"a\"]"), ("model.inputShape", "{}"), ("model.none", "true"), ("data", "[]"),
        ("data.dataSet", "\"Not A Name\""), ("data.image.scale", "0"), ("training.learningRate", "0"), ("training.batchSize", "100001"), ("selection.fraction", "2"),
        ("selection.closeOnTarget", "\"yes\""), ("privacy", "{\"mode\":\"most\"}"), ("privacy", "{\"mode\":\"example\",\"example\":{\"clipNorm\":1}}"),
        ("privacy", "{\"mode\":\"local\",\"local\":{\"clipNorm\":1,\"noiseMultiplier\":1,\"noiseByExamples\":[{\"examples\":1,\"noiseMultiplier\":1}]}}"),
        ("evaluation.everyRounds", "0"), ("keepUpdates", "\"some\""),
    ];

    [Fact]
    public async Task What_the_schema_refuses_in_the_browser_the_service_refuses_at_the_same_place()
    {
        await using var tab = await browser.OpenAsync(server.Url);
        await tab.SignInAsync(ConsoleServer.Operator);
        Assert.Empty(await InBrowserAsync(TinyRun.Body()));
        foreach (var (path, value) in Changes)
        {
            var body = Changed(path, value);
            using var response = await server.Http.PostAsync(new Uri("plan", UriKind.Relative), new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
            Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{path} = {value}: the service takes it.");
            var refused = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["errors"]!.AsObject().Select(error => error.Key);
            var found = await InBrowserAsync(body);
            Assert.True(found.Length > 0 && found.Intersect(refused).Any(), $"{path} = {value}: the browser names {string.Join(", ", found)}, the service {string.Join(", ", refused)}.");
        }

        Task<string[]> InBrowserAsync(JsonObject body) => tab.Page.EvaluateAsync<string[]>(
            """
            async text => {
                const { validate } = await import(new URL("schema.js", location.href));
                const { api } = await import(new URL("api.js", location.href));
                return validate(JSON.parse(text), await api.get("runs/schema.json")).map(error => error.path);
            }
            """,
            body.ToJsonString());
    }

    private static JsonObject Changed(string path, string value)
    {
        var body = TinyRun.Body();
        var keys = path.Split('.');
        var place = keys[..^1].Aggregate((JsonNode)body, (at, key) => at[key]!);
        place[keys[^1]] = JsonSerializer.Deserialize<JsonNode>(value);
        return body;
    }
}
