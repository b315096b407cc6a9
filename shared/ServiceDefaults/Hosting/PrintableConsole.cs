using FlEvents.ServiceDefaults.Security;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Hosting;

/// <summary>
/// Writes each message of the log on one line, in the words of .NET's own formatter, with whatever ends a line or commands a terminal escaped: a text from outside is
/// never more than a part of a message. Exceptions follow on indented lines.
/// </summary>
internal sealed class PrintableConsole(IOptionsMonitor<ConsoleFormatterOptions> options, TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "printable";

    private const string Indent = "      ";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        if (options.CurrentValue is { TimestampFormat: { } format } shown)
        {
            textWriter.Write((shown.UseUtcTimestamp ? time.GetUtcNow() : time.GetLocalNow()).ToString(format, System.Globalization.CultureInfo.InvariantCulture));
        }

        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        textWriter.Write($"{NameOf(logEntry.LogLevel)}: {PrintableText.Of(logEntry.Category)}[{logEntry.EventId.Id}] {PrintableText.Of(message ?? "")}\n");
        foreach (var line in logEntry.Exception?.ToString().Split('\n') ?? [])
        {
            textWriter.Write($"{Indent}{PrintableText.Of(line.TrimEnd('\r'))}\n");
        }
    }

    /// <summary>Lets the console be written by this formatter. Whoever names another one in the section <c>Logging:Console</c> has that.</summary>
    public static void Add(ILoggingBuilder logging) => logging.AddConsoleFormatter<PrintableConsole, ConsoleFormatterOptions>();

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };
}
