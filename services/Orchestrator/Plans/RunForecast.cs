using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;

namespace FlEvents.Orchestrator.Plans;

/// <summary>Asks the ledgers of a round's clients to charge them for it.</summary>
/// <param name="round">From 1, in order.</param>
public delegate ForecastAnswer AskLedger(int round, IReadOnlyList<EligibleClient> cohort);

/// <summary>What the ledgers say to a round.</summary>
/// <param name="Refused">Ids of the clients whose budget it would exceed.</param>
/// <param name="Keep">Makes the charges of the others count; they are given back where it is not called.</param>
public record ForecastAnswer(IReadOnlySet<string> Refused, Action Keep);

/// <summary>Who takes part in which round, and how a run ends, when every client answers.</summary>
public record RunForecast
{
    /// <summary>Clients that take part, each for itself or for all with as many examples.</summary>
    public required IReadOnlyList<ForecastClient> Clients { get; init; }

    /// <summary>
    /// Whether cohorts are those the run will draw. Otherwise there are too many draws to make beforehand, and each client is taken to be in every round: no
    /// client is charged more.
    /// </summary>
    public required bool IsDrawn { get; init; }

    /// <summary>Tasks of each round that is done; shape [rounds done].</summary>
    public required IReadOnlyList<int> Tasks { get; init; }

    public required RunState Ending { get; init; }

    /// <summary>Draws and charges that are worth making beforehand.</summary>
    private const int MostTasks = 50_000;
    private const long MostDrawnFrom = 5_000_000;

    /// <summary>Most tasks of a round.</summary>
    public int LargestCohort => Tasks.DefaultIfEmpty().Max();

    /// <summary>Goes through the rounds with the Orchestrator's own draw.</summary>
    /// <param name="all">The clients that there are.</param>
    /// <param name="ask">What the clients' ledgers say; null where nothing limits them.</param>
    public static RunForecast Of(RunSpec run, IReadOnlyList<EligibleClient> all, AskLedger? ask = null)
    {
        var (first, _) = CohortSampling.Draw(run.Seed, 1, all, run.Selection);
        var isEveryone = first.Count == all.Count;
        var isDrawn = isEveryone || ((long)first.Count * run.Rounds <= MostTasks && (long)all.Count * run.Rounds <= MostDrawnFrom);
        // Clients that are in every round with as many examples fare alike: one stands for all of them.
        var members = isEveryone || !isDrawn ? Alike(all, run) : [.. all.Select(client => new Member(client, 1))];
        return Play(
            run,
            ask,
            members,
            isDrawn ? null : first.Count,
            (round, left) => isEveryone || !isDrawn ? left : Drawn(run, round, left)) with { IsDrawn = isDrawn };
    }

    private static IReadOnlyList<Member> Drawn(RunSpec run, int round, IReadOnlyList<Member> left)
    {
        var (cohort, _) = CohortSampling.Draw(run.Seed, round, left.Select(member => member.Client), run.Selection);
        var drawn = cohort.Select(client => client.ClientId).ToHashSet(StringComparer.Ordinal);
        return [.. left.Where(member => drawn.Contains(member.Client.ClientId))];
    }

    /// <param name="cohort">Tasks of a round where they are not drawn; null where they are.</param>
    /// <param name="draw">The cohort of a round out of the clients that no budget has left out.</param>
    private static RunForecast Play(
        RunSpec run, AskLedger? ask, List<Member> members, int? cohort, Func<int, IReadOnlyList<Member>, IReadOnlyList<Member>> draw)
    {
        var (tasks, inRow) = (new List<int>(), 0);
        var fewest = Math.Max(run.Selection.MinimumClients, run.Selection.MinimumReports);
        RunForecast End(RunState ending) => new()
        {
            Clients = [.. members.Select(member => new ForecastClient(member.Client, member.Alike, member.Rounds, member.RefusedIn))],
            IsDrawn = true,
            Tasks = tasks,
            Ending = ending,
        };
        for (var round = 1; round <= run.Rounds; round++)
        {
            if (IsExhausted())
            {
                return End(RunState.BudgetExhausted);
            }

            var drawn = draw(round, Left());
            // Without a budget nothing is refused, and the ledger need not be asked.
            var answer = ask?.Invoke(round, [.. drawn.Select(member => member.Client)]);
            var admitted = drawn.Where(member => answer?.Refused.Contains(member.Client.ClientId) is not true).ToList();
            foreach (var member in drawn.Except(admitted))
            {
                member.RefusedIn = round;
            }

            var count = Math.Min(cohort ?? int.MaxValue, admitted.Sum(member => member.Alike));
            if (count < run.Selection.MinimumReports)
            {
                // Nothing is handed out, so what was charged is given back.
                inRow++;
                if (inRow >= run.Selection.MaximumAbandonedRounds)
                {
                    return End(RunState.Abandoned);
                }

                continue;
            }

            answer?.Keep();
            inRow = 0;
            tasks.Add(count);
            admitted.Where(member => !HadItsRounds(member)).ToList().ForEach(member => member.Rounds.Add(round));
        }

        return End(inRow > 0 && IsExhausted() ? RunState.BudgetExhausted : tasks.Count > 0 ? RunState.Completed : RunState.Abandoned);

        // Where cohorts are not drawn, who had its rounds is not known: all stay.
        List<Member> Left() => [.. members.Where(member => member.RefusedIn is null && (cohort is not null || !HadItsRounds(member)))];

        bool HadItsRounds(Member member) => member.Rounds.Count >= run.Privacy.Central?.RoundsPerClient;

        bool IsExhausted() => Left() is var left && left.Count < members.Count && left.Sum(member => member.Alike) < fewest;
    }

    // The fewest examples cost an example the most: where there are too many sizes, the smallest are kept, and stand for the others. Unless those with more
    // have less noise: then no size stands for another.
    private static List<Member> Alike(IReadOnlyList<EligibleClient> all, RunSpec run)
    {
        var sizes = all.GroupBy(client => client.Data.ExampleCount).OrderBy(group => group.Key).ToList();
        var isSizeCharged = (run.Privacy.Example?.NoiseByExamples ?? run.Privacy.Local?.NoiseByExamples) is { Count: > 0 };
        var kept = isSizeCharged ? sizes.Count : Math.Min(sizes.Count, Math.Max(1, MostTasks / run.Rounds));
        return
        [
            .. sizes.Take(kept).Select((group, index) =>
                new Member(group.First(), group.Count() + (index == kept - 1 ? sizes.Skip(kept).Sum(rest => rest.Count()) : 0))),
        ];
    }

    /// <summary>A client while its rounds are gone through.</summary>
    private sealed class Member(EligibleClient client, int alike)
    {
        public EligibleClient Client => client;
        public int Alike => alike;
        public List<int> Rounds { get; } = [];
        public int? RefusedIn { get; set; }
    }
}

/// <summary>A client in a forecast.</summary>
/// <param name="Alike">Clients that it stands for, itself included.</param>
/// <param name="Rounds">Rounds it is charged for, in order.</param>
/// <param name="RefusedIn">The round in which a budget leaves it out; null when none does.</param>
public record ForecastClient(EligibleClient Client, int Alike, IReadOnlyList<int> Rounds, int? RefusedIn);
