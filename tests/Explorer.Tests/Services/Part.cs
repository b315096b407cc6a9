using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;
using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.Explorer.Tests.Services;

/// <summary>A message for one queue.</summary>
internal sealed record Envelope(string Queue, object Message)
{
    private static readonly Dictionary<Type, string[]> Subscribers = new()
    {
        [typeof(BudgetReserved)] = [Routes.Orchestrator],
        [typeof(BudgetRefused)] = [Routes.Orchestrator],
        [typeof(BudgetCommitted)] = [Routes.Aggregator],
        [typeof(ModelPublished)] = [Routes.Orchestrator],
        [typeof(TrainingAccepted)] = [Routes.Orchestrator],
        [typeof(TrainingRefused)] = [Routes.Orchestrator],
        [typeof(TrainingInterrupted)] = [Routes.Orchestrator],
        [typeof(UpdateSubmitted)] = [Routes.Aggregator],
        [typeof(UpdateAdmitted)] = [Routes.Orchestrator],
        [typeof(UpdateRejected)] = [Routes.Orchestrator],
        [typeof(RoundAggregated)] = [Routes.Orchestrator],
        [typeof(RoundAbandoned)] = [Routes.Orchestrator, Routes.Aggregator],

        // For people, and for tables that only make room.
        [typeof(RoundStarted)] = [],
        [typeof(RunCompleted)] = [],
        [typeof(PrivacySpent)] = [],
    };

    /// <summary>A command to its owner, an event to all that take it.</summary>
    public static IEnumerable<Envelope> Of(object message, string? destination = null) =>
        (destination ?? Routes.OwnerOf(message.GetType())) is { } owner
            ? [new Envelope(owner, message)]
            : Subscribers[message.GetType()].Select(queue => new Envelope(queue, message));
}

/// <summary>What a step makes of a service's rows, and what it sends.</summary>
/// <param name="Answer">What a worker that asked is told.</param>
internal sealed record Step<T>(T Rows, IReadOnlyList<Envelope> Sent, Answer Answer = Answer.None);

/// <summary>The update store's answer to a worker.</summary>
internal enum Answer
{
    None,

    /// <summary>No book knows the task yet: it is tried again.</summary>
    Unknown,

    /// <summary>The lease token is not good any more.</summary>
    Forbidden,

    /// <summary>The bytes are stored.</summary>
    Stored,

    /// <summary>Other bytes were stored before.</summary>
    Conflict,
}

/// <summary>A step in numbers.</summary>
/// <param name="Rows">The rows after it.</param>
/// <param name="Sent">The bag of messages it sends.</param>
internal sealed record Outcome(int Rows, int Sent, Answer Answer);

/// <summary>One service: the real code runs once for each of its rows and each input, however many worlds hold them.</summary>
/// <param name="content">All that tells two sets of rows apart.</param>
internal abstract class Part<T>(Mail mail, Func<T, object> content)
    where T : class
{
    // A round that is past its deadline, and one that follows it.
    private const int LaterClocks = 2;

    private readonly Dictionary<(int Rows, int Kind, int Subject, int Clock), Outcome> _known = [];
    private readonly Dictionary<(int Rows, int Message, int Clock), bool> _spent = [];
    private readonly Dictionary<int, HashSet<(int Rows, int Clock)>> _next = [];
    private readonly Dictionary<int, HashSet<(int Message, int Clock)>> _believed = [];

    public Interned<T> Rows { get; } = new(content);

    protected Mail Mail => mail;

    protected Outcome? Known(int rows, int kind, int subject, int clock) => _known.GetValueOrDefault((rows, kind, subject, clock));

    protected Outcome Learn(int rows, int kind, int subject, int clock, Step<T> step)
    {
        var before = Rows[rows];
        var after = ReferenceEquals(step.Rows, before) ? rows : Rows.IdOf(step.Rows);
        if (after != rows && Defect(before, step.Rows) is { } defect)
        {
            throw new InvariantException(defect);
        }

        if (after != rows)
        {
            Follow(rows, after, clock);
        }

        var outcome = new Outcome(after, mail.Bags.IdOf(step.Sent.Select(mail.Messages.IdOf)), step.Answer);
        _known.Add((rows, kind, subject, clock), outcome);
        return outcome;
    }

    /// <summary>Whether a message changes nothing from now on, so that it makes no difference when it is taken, or whether.</summary>
    /// <remarks>That it stays so is not believed: it is looked at in all rows that these ever become.</remarks>
    public bool IsSpent(int rows, int message, int clock)
    {
        if (!_spent.TryGetValue((rows, message, clock), out var spent))
        {
            spent = _spent[(rows, message, clock)] = LooksSpent(rows, message, clock);
            if (spent)
            {
                Believe(rows, message, clock);
            }
        }

        return spent;
    }

    /// <summary>Whether taking a message would change nothing.</summary>
    protected abstract bool ChangesNothing(int rows, int message, int clock);

    /// <summary>What is wrong with a step from one set of rows to another; null when nothing is.</summary>
    protected abstract string? Defect(T before, T after);

    private bool LooksSpent(int rows, int message, int clock) =>
        Enumerable.Range(clock, LaterClocks + 1).All(later => ChangesNothing(rows, message, later));

    private void Believe(int rows, int message, int clock)
    {
        var open = new Stack<(int Rows, int Clock)>([(rows, clock)]);
        while (open.TryPop(out var at))
        {
            if ((_believed.TryGetValue(at.Rows, out var believed) ? believed : _believed[at.Rows] = []).Add((message, at.Clock)))
            {
                if (!LooksSpent(at.Rows, message, at.Clock))
                {
                    throw new InvariantException($"The search is wrong: {mail.Messages[message].Message} changed nothing, and later it does.");
                }

                foreach (var next in _next.GetValueOrDefault(at.Rows, []))
                {
                    open.Push((next.Rows, Math.Max(next.Clock, at.Clock)));
                }
            }
        }
    }

    private void Follow(int rows, int after, int clock)
    {
        if ((_next.TryGetValue(rows, out var next) ? next : _next[rows] = []).Add((after, clock)))
        {
            foreach (var (message, since) in _believed.GetValueOrDefault(rows, []).ToList())
            {
                Believe(after, message, Math.Max(since, clock));
            }
        }
    }
}

/// <summary>All messages that were ever met, and bags of them.</summary>
internal sealed class Mail
{
    public Interned<Envelope> Messages { get; } = new(envelope => new { envelope.Queue, Type = envelope.Message.GetType().Name, envelope.Message });

    public Bags Bags { get; } = new();
}

/// <summary>An invariant does not hold.</summary>
internal sealed class InvariantException(string message) : Exception(message);
