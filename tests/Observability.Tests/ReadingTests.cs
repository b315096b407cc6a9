using System.Diagnostics.Metrics;
using FlEvents.Aggregator;
using FlEvents.ServiceDefaults.Metrics;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.Observability.Tests;

public sealed class ReadingTests : IAsyncDisposable
{
    private const string Break = "alter table early_message rename to gone";
    private const string Repair = "alter table gone rename to early_message";
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new();
    private readonly Database _database;
    private int _reads;

    public ReadingTests() => _database = new Database(
        new DatabaseSettings { Name = "test", Path = _folder.File("test.db"), Synced = false, Schema = typeof(AggregatorService).Assembly }, _time, NullLogger<Database>.Instance);

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void What_was_read_is_kept_for_a_second()
    {
        var reading = new Reading<string>(_database, Count, _time);
        Assert.Equal(("0", "0", 1), (reading.Value, reading.Value, _reads));
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal(("0", 1), (reading.Value, _reads));
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(("0", 2), (reading.Value, _reads));
    }

    [Fact]
    public void What_takes_long_is_asked_for_less_often()
    {
        var reading = new Reading<string>(
            _database,
            transaction =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return Count(transaction);
            },
            _time);
        Assert.Equal(("0", 1), (reading.Value, _reads));
        _time.Advance(TimeSpan.FromSeconds(19));
        Assert.Equal(("0", 1), (reading.Value, _reads));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(("0", 2), (reading.Value, _reads));
    }

    [Fact]
    public async Task A_database_that_cannot_be_read_has_no_value_until_it_can_be()
    {
        var reading = new Reading<string>(_database, Count, _time);
        Assert.Equal("0", reading.Value);
        await _database.WriteAsync(transaction => transaction.Execute(Break), TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(reading.Value);
        Assert.Empty(DatabaseGauge.Of(_database, transaction => long.Parse(Count(transaction), System.Globalization.CultureInfo.InvariantCulture)));

        await _database.WriteAsync(transaction => transaction.Execute(Repair), TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Null(reading.Value);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("0", reading.Value);
    }

    [Fact]
    public void An_instrument_that_fails_takes_none_of_the_others_with_it()
    {
        using var meter = new Meter("FlEvents.Observability.Tests");
        meter.CreateObservableGauge<int>("fl_test_broken", new Func<int>(() => throw new InvalidOperationException("Broken.")));
        meter.CreateObservableGauge("fl_test_whole", () => 7);
        using var text = new PrometheusText();
        text.Start();
        var scrape = new Scrape(text.Write());
        Assert.Equal(7, scrape.Series["fl_test_whole"]);
        Assert.DoesNotContain("fl_test_broken", scrape.Text, StringComparison.Ordinal);
    }

    private string Count(Transaction transaction)
    {
        _reads++;
        return $"{transaction.Scalar<long>("select count(*) from early_message")}";
    }
}
