using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using FlEvents.ServiceDefaults.Metrics;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class PrometheusTextTests : IDisposable
{
    // Every instrument of the process is listened to: a test's own have its number in their names.
    private static int _tests;
    private readonly int _test = Interlocked.Increment(ref _tests);
    private readonly Meter _meter = new("FlEvents.Tests");
    private readonly PrometheusText _text = new();

    public PrometheusTextTests() => _text.Start();

    public void Dispose()
    {
        _text.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void A_counter_adds_up_for_each_set_of_labels()
    {
        var counter = _meter.CreateCounter<long>(Name("updates_total"), description: "Updates admitted.");
        counter.Add(2, Label("mode", "none"));
        counter.Add(3, Label("mode", "none"));
        counter.Add(1, Label("mode", "central"));

        Assert.Equal(
            [
                $"# HELP {Name("updates_total")} Updates admitted.",
                $"# TYPE {Name("updates_total")} counter",
                $"{Name("updates_total")}{{mode=\"central\"}} 1",
                $"{Name("updates_total")}{{mode=\"none\"}} 5",
            ],
            Lines());
    }

    [Fact]
    public void A_counter_that_goes_down_is_a_gauge()
    {
        var active = _meter.CreateUpDownCounter<int>(Name("active"), description: "Tasks in training.");
        active.Add(3);
        active.Add(-1);

        Assert.Equal([$"# HELP {Name("active")} Tasks in training.", $"# TYPE {Name("active")} gauge", $"{Name("active")} 2"], Lines());
    }

    [Fact]
    public void A_gauge_shows_its_last_value()
    {
        var gauge = _meter.CreateGauge<double>(Name("loss"), description: "Loss.");
        gauge.Record(0.75);
        gauge.Record(0.1);

        Assert.Equal($"{Name("loss")} 0.1", Lines()[^1]);
    }

    [Fact]
    public void An_observed_counter_shows_its_total_and_not_the_sum_of_what_was_seen()
    {
        _meter.CreateObservableCounter(Name("seen_total"), () => 7L, description: "Seen.");
        _text.Write();

        Assert.Equal([$"# HELP {Name("seen_total")} Seen.", $"# TYPE {Name("seen_total")} counter", $"{Name("seen_total")} 7"], Lines());
    }

    [Fact]
    public void A_gauge_whose_run_has_ended_is_not_shown_with_its_last_value()
    {
        var rounds = new Dictionary<string, int> { ["first"] = 3, ["second"] = 1 };
        _meter.CreateObservableGauge(Name("round"), () => rounds.Select(run => new Measurement<int>(run.Value, Label("run", run.Key))), description: "Round.");
        Assert.Equal([$"{Name("round")}{{run=\"first\"}} 3", $"{Name("round")}{{run=\"second\"}} 1"], Lines().Skip(2));

        rounds.Remove("first");

        Assert.Equal([$"{Name("round")}{{run=\"second\"}} 1"], Lines().Skip(2));
    }

    [Fact]
    public void A_histogram_counts_into_cumulative_buckets()
    {
        var histogram = _meter.CreateHistogram(
            Name("seconds"), unit: "s", description: "Time.", tags: null, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        Array.ForEach([0.1, 0.25, 1, 8], value => histogram.Record(value, Label("kind", "a")));

        Assert.Equal(
            [
                $"# HELP {Name("seconds")} Time.",
                $"# TYPE {Name("seconds")} histogram",
                $"{Name("seconds")}_bucket{{kind=\"a\",le=\"0.1\"}} 1",
                $"{Name("seconds")}_bucket{{kind=\"a\",le=\"1\"}} 3",
                $"{Name("seconds")}_bucket{{kind=\"a\",le=\"+Inf\"}} 4",
                $"{Name("seconds")}_sum{{kind=\"a\"}} 9.35",
                $"{Name("seconds")}_count{{kind=\"a\"}} 4",
            ],
            Lines());
    }

    [Fact]
    public void A_histogram_without_bounds_of_its_own_has_the_default_ones_and_no_labels_but_le()
    {
        _meter.CreateHistogram<double>(Name("seconds"), description: "Time.").Record(1800.5);

        var lines = Lines();
        Assert.Equal($"{Name("seconds")}_bucket{{le=\"0.005\"}} 0", lines[2]);
        Assert.Equal($"{Name("seconds")}_bucket{{le=\"1800\"}} 0", lines[^4]);
        Assert.Equal([$"{Name("seconds")}_bucket{{le=\"+Inf\"}} 1", $"{Name("seconds")}_sum 1800.5", $"{Name("seconds")}_count 1"], lines[^3..]);
    }

    [Fact]
    public void Labels_and_help_are_escaped()
    {
        _meter.CreateCounter<long>(Name("escaped_total"), description: "A \\ and a\nline.").Add(1, Label("name", "a\"b\\c\nd"));

        Assert.Equal(
            [
                $"# HELP {Name("escaped_total")} A \\\\ and a\\nline.",
                $"# TYPE {Name("escaped_total")} counter",
                $"{Name("escaped_total")}{{name=\"a\\\"b\\\\c\\nd\"}} 1",
            ],
            Lines());
    }

    [Theory]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(1e21, "1E+21")]
    public void Values_are_written_as_the_format_has_them(double value, string expected)
    {
        _meter.CreateGauge<double>(Name("value")).Record(value);

        Assert.Equal($"{Name("value")} {expected}", Lines()[^1]);
    }

    [Fact]
    public void Instruments_of_others_are_not_shown()
    {
        _meter.CreateCounter<long>($"other_{_test}_total").Add(1);

        Assert.DoesNotContain($"other_{_test}_total", _text.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void Several_readers_at_once_each_see_every_gauge()
    {
        var runs = Enumerable.Range(0, 300).Select(run => new Measurement<int>(1, Label("run", $"{run}"))).ToList();
        _meter.CreateObservableGauge(Name("round"), () => runs, description: "Round.");
        var seen = new int[200];

        Parallel.For(0, seen.Length, i => seen[i] = _text.Write().Split('\n').Count(line => line.StartsWith(Name("round"), StringComparison.Ordinal)));

        Assert.All(seen, count => Assert.Equal(300, count));
    }

    [Fact]
    public async Task Promtool_accepts_the_text()
    {
        var promtool = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "promtool")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(promtool is null, "promtool is not installed (Debian package prometheus).");
        _meter.CreateCounter<long>(Name("updates_total"), description: "Updates \\ \"admitted\".").Add(1, Label("mode", "a\"b\\c\nd"));
        _meter.CreateHistogram<double>(Name("seconds"), description: "Time.").Record(0.3, Label("kind", "a"));
        _meter.CreateGauge<double>(Name("value"), description: "Value.").Record(double.NaN);

        using var check = Process.Start(new ProcessStartInfo(promtool!, "check metrics") { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        await check.StandardInput.WriteAsync(string.Join('\n', Lines()) + "\n");
        check.StandardInput.Close();
        var said = await check.StandardError.ReadToEndAsync() + await check.StandardOutput.ReadToEndAsync();
        await check.WaitForExitAsync();

        Assert.Equal("", said);
        Assert.Equal(0, check.ExitCode);
    }

    private string Name(string name) => string.Create(CultureInfo.InvariantCulture, $"fl_test{_test}_{name}");

    private static KeyValuePair<string, object?> Label(string name, string value) => KeyValuePair.Create(name, (object?)value);

    private string[] Lines() => [.. _text.Write().Split('\n').Where(line => line.Contains($"fl_test{_test}_", StringComparison.Ordinal))];
}
