using System.Globalization;

namespace FlEvents.Bench.Rounds;

/// <summary>
/// What the rounds cost in processor time: this process and all that it has started, the broker apart. Unlike the time of a round it hardly
/// depends on what else the machine does.
/// </summary>
/// <remarks>From <c>/proc</c>, in its ticks of 10 ms; nothing is counted elsewhere than on Linux.</remarks>
public sealed class ProcessorTime(int fromRound)
{
    private const int Every = 20;
    private (int Round, Times Times)? _first;
    private (int Round, Times Times)? _last;

    /// <summary>Looks at the processes when a round that counts is in progress.</summary>
    public void OnRound(int round)
    {
        // Reading them all takes a while, so it is not done every round.
        if (round < (_last?.Round + Every ?? fromRound) || !Directory.Exists("/proc/self"))
        {
            return;
        }

        _last = (round, Now());
        _first ??= _last;
    }

    /// <summary>Means a round, in ms; null when too few rounds were seen.</summary>
    public (double ServicesMs, double BrokerMs)? PerRound =>
        _first is { } first && _last is { } last && last.Round > first.Round
            ? ((last.Times.Services - first.Times.Services) * 10.0 / (last.Round - first.Round), (last.Times.Broker - first.Times.Broker) * 10.0 / (last.Round - first.Round))
            : null;

    private static Times Now()
    {
        var processes = Directory.EnumerateDirectories("/proc").Select(Read).OfType<ProcessRow>().ToList();
        var mine = new HashSet<int> { Environment.ProcessId };
        while (processes.Any(process => mine.Contains(process.Parent) && mine.Add(process.Id)))
        {
            // One more generation of children was found.
        }

        return processes.Where(process => mine.Contains(process.Id)).Aggregate(
            new Times(0, 0),
            (sum, process) => process.IsBroker ? sum with { Broker = sum.Broker + process.Ticks } : sum with { Services = sum.Services + process.Ticks });
    }

    // "id (name) state parent …"; the name may hold spaces. User and system time are the 14th and 15th field.
    private static ProcessRow? Read(string folder)
    {
        if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id))
        {
            return null;
        }

        try
        {
            var text = File.ReadAllText(Path.Combine(folder, "stat"));
            var name = text[(text.IndexOf('(', StringComparison.Ordinal) + 1)..text.LastIndexOf(')')];
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return new ProcessRow(
                id, int.Parse(fields[1], CultureInfo.InvariantCulture), name.StartsWith("beam", StringComparison.Ordinal),
                long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile.
            return null;
        }
    }

    private sealed record ProcessRow(int Id, int Parent, bool IsBroker, long Ticks);

    private readonly record struct Times(long Services, long Broker);
}
