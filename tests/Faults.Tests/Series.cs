using FlEvents.RabbitMq.Tests;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Faults.Tests;

/// <summary>Runs of one file, one after the other, so that there is always one under way.</summary>
internal sealed class Series(Deployment services, RunFile file)
{
    private readonly List<Guid> _runs = [];

    public IReadOnlyList<Guid> Runs => _runs;

    /// <summary>The run that goes on; a new one when the last has ended.</summary>
    public async Task<Guid> CurrentAsync()
    {
        if (_runs.Count == 0 || await IsFinalAsync(_runs[^1]))
        {
            _runs.Add(await services.CreateAsync(file));
        }

        return _runs[^1];
    }

    public async Task EndAsync()
    {
        foreach (var run in _runs)
        {
            Assert.Equal("completed", (await services.Api.EndAsync(run)).GetProperty("state").GetString());
        }
    }

    private async Task<bool> IsFinalAsync(Guid run) =>
        (await services.Api.GetAsync($"runs/{run}")).GetProperty("state").GetString() is not ("preparing" or "running" or "paused");
}
