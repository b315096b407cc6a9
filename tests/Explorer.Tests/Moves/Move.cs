namespace FlEvents.Explorer.Tests.Moves;

/// <summary>One thing that may happen next.</summary>
/// <param name="Subject">A message, or a reservation or a round by its place in the scenario.</param>
/// <param name="Worker">0 or 1 where a worker takes part.</param>
internal readonly record struct Move(MoveKind Kind, ushort Subject, byte Worker)
{
    public Move(MoveKind kind, int subject = 0, int worker = 0)
        : this(kind, checked((ushort)subject), (byte)worker)
    {
    }

    /// <summary>Whether it may happen or not, and so often at most as the scenario says.</summary>
    public bool IsFault => Kind >= MoveKind.SendAgain;
}

internal enum MoveKind : byte
{
    /// <summary>A queue hands a message over, in any order.</summary>
    Deliver,

    /// <summary>A worker trains a task if it has not, uploads the update and announces it.</summary>
    Upload,

    /// <summary>A worker trains a task if it has not and uploads the update, and does not hear of it yet: it will upload it again.</summary>
    UploadUnheard,

    /// <summary>A worker asks whether its update is there, and sends it only if not: what it does with a large one.</summary>
    AskAndUpload,

    /// <summary>A worker whose task was issued again asks whether its update is there still.</summary>
    Ask,

    /// <summary>A worker gives a task up: its deadline has passed.</summary>
    GiveUp,

    /// <summary>A worker gives a task up: its lease is over by its own clock, whatever the Orchestrator's says.</summary>
    GiveUpLost,

    Combine,
    Name,

    /// <summary>The Orchestrator looks at deadlines, and at runs without a round.</summary>
    Tick,

    /// <summary>The Orchestrator finds a lease that has ended.</summary>
    EndLease,

    /// <summary>Nothing else can happen: time goes on to the next deadline.</summary>
    Wait,

    /// <summary>A message is delivered again, under a new id.</summary>
    SendAgain,

    /// <summary>A worker takes a command and dies before it has acknowledged it: the queue keeps it.</summary>
    TakeAndDie,

    /// <summary>A worker is stopped in good order.</summary>
    Stop,

    /// <summary>The Aggregator dies with a model in hand.</summary>
    AggregatorDies,

    /// <summary>The Aggregator dies between the offer of an update and its bytes.</summary>
    OfferAndDie,

    /// <summary>The Aggregator dies between an update's row and its name.</summary>
    StoreAndDie,

    /// <summary>The Aggregator dies between opening a model's file and the transaction that says so.</summary>
    OpenModelAndDie,

    /// <summary>A worker is out of touch for a whole lease.</summary>
    LoseLease,

    /// <summary>A deadline passes while there is something left to do.</summary>
    PassDeadline,
}
