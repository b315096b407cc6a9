using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.CrashPoints.Tests.Stories;

/// <summary>What happens in a federation from its start to its end. It is told anew after each start, and does not repeat what was done before.</summary>
internal interface IStory
{
    string Name { get; }

    RunFile RunFile { get; }

    /// <summary>Puts services of the story's own in the place of others, at a start.</summary>
    void Adjust(IServiceCollection services, Life life);

    /// <summary>Goes on to the end.</summary>
    /// <returns>Whether that was the end; otherwise the process is stopped in order and started again.</returns>
    Task<bool> TellAsync(Federation federation, Life life);

    /// <summary>What is wrong at the end, after whatever has happened on the way, beyond what never may be.</summary>
    /// <param name="expected">What an undisturbed telling has left.</param>
    IEnumerable<string> Faults(Remains remains, Remains expected);
}
