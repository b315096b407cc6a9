using System.Diagnostics.Metrics;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Quarantine;
using FlEvents.ServiceDefaults.Security;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>What waits in the databases of this process: messages to send, messages put aside, and when the last one came.</summary>
public sealed class DatabaseMetrics : IDisposable
{
    private const string CountUnsent = "select count(*) from outbox where sent_at is null";
    private const string SelectOldestUnsent = "select created_at from outbox where sent_at is null order by seq limit 1";
    private const string SelectLastReceived = "select max(received_at) from inbox";
    private readonly Meter _meter = new("FlEvents.Messaging");
    private readonly IReadOnlyList<(Database Database, Reading<Mail> Mail)> _databases;

    public DatabaseMetrics(IEnumerable<ProcessDatabase> databases, TimeProvider time)
    {
        _databases = [.. databases.Select(own => (own.Database, new Reading<Mail>(own.Database, transaction => Read(own.Database, transaction), time)))];
        Gauge("fl_outbox_messages", "{message}", mail => mail.Unsent, "Messages that are committed and not handed to the broker, by service.");
        Gauge("fl_outbox_oldest_age_seconds", "s", mail => mail.OldestAge, "Age of the oldest message that is not handed to the broker, 0 where there is none, by service.");
        Gauge("fl_quarantine_messages", "{message}", mail => mail.Quarantined, "Messages put aside because the service can't or won't act on them, by service.");
        Gauge("fl_audit_rows", "{row}", mail => mail.Audited, "Rows of the audit log in the service's database: fewer than there were tell of a restored copy, or of an end that was cut off.");
        _meter.CreateObservableGauge(
            "fl_inbox_received_timestamp_seconds", LastReceived, "s", "When the service last took a message, as Unix time, by service.");
        _meter.CreateObservableGauge(
            "fl_database_fault",
            () => _databases.Select(own => Of(own.Database, own.Database.Fault is null ? 0 : 1)),
            "{flag}",
            "1 while the service's database can't write, by service.");
    }

    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string unit, Func<Mail, double> value, string description) => _meter.CreateObservableGauge(
        name,
        () => from own in _databases
              let mail = own.Mail.Value
              where mail is not null
              select Of(own.Database, value(mail)),
        unit,
        description);

    private IEnumerable<Measurement<double>> LastReceived() =>
        from own in _databases
        where own.Mail.Value is not null && own.Database.LastReceivedAt is not null
        select Of(own.Database, own.Database.LastReceivedAt!.Value.ToUnixTimeMilliseconds() / 1000.0);

    private static Measurement<double> Of(Database database, double value) => new(value, KeyValuePair.Create("service", (object?)database.Name));

    private static Mail Read(Database database, Transaction transaction)
    {
        // Once for a process, because it looks at every row: from then on consumers note what they take.
        if (database.LastReceivedAt is null && transaction.Scalar<DateTimeOffset?>(SelectLastReceived) is { } last)
        {
            database.Received(last);
        }

        var oldest = transaction.Scalar<DateTimeOffset?>(SelectOldestUnsent);
        return new Mail
        {
            Unsent = transaction.Scalar<long>(CountUnsent),
            OldestAge = oldest is { } createdAt ? Math.Max(0, (transaction.Now - createdAt).TotalSeconds) : 0,
            Quarantined = QuarantineStore.Count(transaction),
            Audited = AuditStore.Head(transaction).Sequence,
        };
    }

    private sealed record Mail
    {
        public required long Unsent { get; init; }

        /// <summary>In seconds.</summary>
        public required double OldestAge { get; init; }

        public required long Quarantined { get; init; }
        public required long Audited { get; init; }
    }
}
