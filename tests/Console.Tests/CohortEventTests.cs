using System.Net.ServerSentEvents;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;

namespace FlEvents.Console.Tests;

/// <summary>What the console's pages are told while they look.</summary>
public sealed class CohortEventTests(ConsoleServer server)
{
    [Fact]
    public async Task The_members_of_each_round_are_told_whole_at_first_and_then_as_they_change()
    {
        var runId = await server.CreateAsync();
        var members = new Dictionary<string, string>();
        var rounds = new List<int>();
        await foreach (var (name, data) in EventsAsync($"runs/{runId}/events?cohort=true"))
        {
            if (name != "cohort")
            {
                continue;
            }

            var cohort = data.GetProperty("cohort");
            if (cohort.GetProperty("isWhole").GetBoolean())
            {
                rounds.Add(cohort.GetProperty("round").GetInt32());
                Assert.Equal(TinyRun.Clients, cohort.GetProperty("members").GetArrayLength());
                members.Clear();
            }

            Assert.Equal(rounds[^1], cohort.GetProperty("round").GetInt32());
            foreach (var member in cohort.GetProperty("members").EnumerateArray())
            {
                var state = member.GetProperty("state").GetString()!;
                Assert.NotEqual(state, members.GetValueOrDefault(member.GetProperty("clientId").GetString()!));
                members[member.GetProperty("clientId").GetString()!] = state;
            }
        }

        // Rounds in between may be over before anybody looks; the last one is always told to its end.
        Assert.Equal(rounds.Order(), rounds);
        Assert.Equal(TinyRun.Rounds, rounds[^1]);
        Assert.Equal(TinyRun.Clients, members.Count);
        Assert.All(members.Values, state => Assert.Equal("admitted", state));
    }

    [Fact]
    public async Task Who_watches_all_runs_is_told_those_that_are_there_then_that_these_are_all_and_then_new_ones()
    {
        var known = await server.CreateAsync();
        await server.Api.EndAsync(known);
        var (isWhole, later) = (false, Guid.Empty);
        var before = new List<Guid>();
        await foreach (var (name, data) in EventsAsync("runs/events"))
        {
            if (name == "whole")
            {
                isWhole = true;
                later = await server.CreateAsync();
                continue;
            }

            var run = data.GetProperty("run");
            var runId = run.GetProperty("runId").GetGuid();
            if (!isWhole)
            {
                before.Add(runId);
            }
            else if (runId == later && run.GetProperty("state").GetString() == "completed")
            {
                break;
            }
        }

        Assert.Contains(known, before);
        Assert.DoesNotContain(later, before);
    }

    private async IAsyncEnumerable<(string Name, JsonElement Data)> EventsAsync(string path)
    {
        using var late = new CancellationTokenSource(Product.Patience);
        await using var body = await server.Http.GetStreamAsync(new Uri(path, UriKind.Relative), late.Token);
        await foreach (var item in SseParser.Create(body, (_, data) => JsonSerializer.Deserialize<JsonElement>(data)).EnumerateAsync(late.Token))
        {
            yield return (item.EventType, item.Data);
        }
    }
}
