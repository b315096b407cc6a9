using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.Learning.Training;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.CrashPoints.Tests.Stories;

/// <summary>What an operator does over HTTP, with runs in which something goes wrong.</summary>
/// <param name="changes">Of the run file that the federation is started with.</param>
internal abstract class ApiStory(string name, params string[] changes) : IStory
{
    public string Name => name;

    public RunFile RunFile { get; } = PlainRun.Read(changes);

    public virtual void Adjust(IServiceCollection services, Life life) => services.AddSingleton<ITrainingEngine>(new Engine(this, life));

    public async Task<bool> TellAsync(Federation federation, Life life)
    {
        using var http = new HttpClient { BaseAddress = new Uri(federation.Url), Timeout = Product.Patience };
        return await TellAsync(http, life);
    }

    protected abstract Task<bool> TellAsync(HttpClient http, Life life);

    /// <summary>Trains, or does something else in its place; off the threads that take messages.</summary>
    protected virtual TrainingResult Train(ITrainingEngine engine, TrainingJob job, Life life, CancellationToken cancellationToken) => engine.Train(job, cancellationToken);

    public virtual IEnumerable<string> Faults(Remains remains, Remains expected)
    {
        if (!remains.Runs.SequenceEqual(expected.Runs))
        {
            yield return $"The runs are {string.Join(", ", remains.Runs)}; undisturbed they are {string.Join(", ", expected.Runs)}.";
        }

        if (!remains.Charges.SequenceEqual(expected.Charges))
        {
            yield return $"Charged are {string.Join(", ", remains.Charges)}; undisturbed they are {string.Join(", ", expected.Charges)}.";
        }

        if (remains.Quarantined.Where(message => !MayBeQuarantined.Contains(message.Split(' ')[1])).ToList() is { Count: > 0 } quarantined)
        {
            yield return $"In quarantine are {string.Join(", ", quarantined)}.";
        }
    }

    /// <summary>Messages that may be put aside in this story; none unless it says so.</summary>
    protected virtual string[] MayBeQuarantined => [];

    /// <summary>Creates a run, or finds it when it was created before.</summary>
    protected static async Task<Guid> CreateAsync(HttpClient http, string run, params string[] changes)
    {
        var body = PlainRun.Body([.. changes, $"name={run}", "rounds=1"]);
        using var response = await new RunsApi(http).PostRunAsync(body, run);
        var answer = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, answer);
        return JsonDocument.Parse(answer).RootElement.GetProperty("runId").GetGuid();
    }

    /// <summary>Waits until all clients are enrolled and there.</summary>
    protected async Task EnrolledAsync(HttpClient http, Life life) => await Eventually.HoldsAsync("all clients are there", async () =>
        life.HasDied || (await http.GetFromJsonAsync<JsonElement>("clients", life.Died)).EnumerateArray().Count(client => client.GetProperty("alive").GetBoolean()) == RunFile.Simulation.Clients);

    /// <summary>Waits for a run's end.</summary>
    protected static Task EndAsync(HttpClient http, Guid runId) => new RunsApi(http).EndAsync(runId);

    private sealed class Engine(ApiStory story, Life life) : ITrainingEngine
    {
        private readonly BuiltInEngine _engine = new(1);

        public TrainingResult Train(TrainingJob job, CancellationToken cancellation) => story.Train(_engine, job, life, cancellation);
    }
}
