using System.Collections.Immutable;
using FlEvents.ClientWorker.Training;

namespace FlEvents.Explorer.Tests.Services;

/// <summary>A worker's durable rows. What else it has, it makes again after a crash, or asks for again.</summary>
internal sealed record WorkerRows
{
    /// <summary>By reservation.</summary>
    public ImmutableSortedDictionary<Guid, TrainingTask> Tasks { get; init; } = ImmutableSortedDictionary<Guid, TrainingTask>.Empty;

    /// <summary>How many updates were noted for a task. It stands for nothing that is stored: it tells one draw of noise from another.</summary>
    public ImmutableSortedDictionary<Guid, int> Draws { get; init; } = ImmutableSortedDictionary<Guid, int>.Empty;
}

/// <summary>What a worker's task waits for.</summary>
internal enum Need
{
    Nothing,

    /// <summary>To be trained if it is not, and for the update store to take its update.</summary>
    Upload,

    /// <summary>For the update store to say whether it has what came of the task before it was issued again.</summary>
    Answer,
}
