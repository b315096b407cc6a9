using System.Diagnostics;
using System.Globalization;

namespace FlEvents.Bench;

/// <summary>Times of repeated work.</summary>
public static class Measurement
{
    /// <summary>The best of several medians: on a machine that others use too, the one that was disturbed least.</summary>
    /// <param name="work">Called again and again on this thread.</param>
    /// <param name="warmUps">Calls that are not counted.</param>
    /// <param name="repetitions">Calls whose median is taken, at least 1.</param>
    /// <param name="medians">Medians taken, at least 1.</param>
    /// <returns>Seconds a call.</returns>
    public static double BestMedian(Action work, int warmUps, int repetitions, int medians = 7)
    {
        for (var i = 0; i < warmUps; i++)
        {
            work();
        }

        var best = double.PositiveInfinity;
        var times = new double[repetitions];
        for (var i = 0; i < medians; i++)
        {
            for (var j = 0; j < repetitions; j++)
            {
                var start = Stopwatch.GetTimestamp();
                work();
                times[j] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

            best = Math.Min(best, Quantile(times, 0.5));
        }

        return best;
    }

    /// <summary>A quantile by linear interpolation between the two nearest values.</summary>
    /// <param name="values">At least one, in any order.</param>
    /// <param name="share">In [0, 1].</param>
    public static double Quantile(IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        var position = share * (sorted.Length - 1);
        var below = (int)position;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }

    /// <summary>Processes that ran or waited for a processor over the last minute, as Linux counts them; null elsewhere.</summary>
    public static double? Load =>
        File.Exists("/proc/loadavg") ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture) : null;

    /// <summary>What the figures were measured on, to be printed beside them.</summary>
    public static string Machine => string.Create(
        CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} processors, load {Load?.ToString("0.0", CultureInfo.InvariantCulture) ?? "unknown"}");
}
